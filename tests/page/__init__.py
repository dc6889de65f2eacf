"""The page in a real browser. One server and one browser serve all of these tests, and end with the last of them."""

import pytest

pytest.register_assert_rewrite("page.browsing")
