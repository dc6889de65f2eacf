"""Everything of this page that rests on how gradio is made inside, written for version 6.31.0 of it.

Nothing else below ``demo/`` imports gradio's inner modules or touches a private attribute of its objects. What is
decided (who may have how much, whose a file is, what is said) is decided elsewhere and handed in as values, functions
and subclasses. ``check`` runs when this package is imported, before anything is made of gradio's classes.
"""

import dis
import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import gradio as gr

VERSION = "6.31.0"

# What is called or overridden -> its parameters.
SIGNATURES = {
    "gradio.blocks:Blocks.preprocess_data": "self block_fn inputs state explicit_call",
    "gradio.blocks:Blocks.process_api": "self block_fn inputs state request iterator session_hash event_id "
    "event_data in_event_listener simple_format explicit_call root_path oauth_token",
    "gradio.mcp:GradioMCPServer._get_or_create_client": "self",
    "gradio.mcp:GradioMCPServer._prepare_tool_call_args": "self name arguments",
    "gradio.mcp:GradioMCPServer.convert_strings_to_filedata": "self value filedata_positions",
    "gradio.mcp:handle_file": "filepath_or_url",
    "gradio.processing_utils:async_ssrf_protected_download": "url cache_dir",
    "gradio.processing_utils:ffmpeg_installed": "",
    "gradio.queueing:Queue.__init__": "self live_updates concurrency_count update_intervals max_size blocks "
    "default_concurrency_limit",
    "gradio.queueing:Queue.push": "self body request username",
    "gradio.queueing:Queue.send_message": "self event event_message",
    "gradio.queueing:Queue.start": "self",
    "gradio.route_utils:CustomCORSMiddleware.__init__": "self app strict_cors parent_app",
    "gradio.route_utils:FileUploadProgress.append": "self upload_id filename message_bytes",
    "gradio.route_utils:FileUploadProgress.set_done": "self upload_id",
    "gradio.route_utils:GradioMultiPartParser.__init__": "self headers stream max_files max_fields upload_dir "
    "upload_id upload_progress max_file_size max_header_size",
    "gradio.route_utils:GradioMultiPartParser.parse": "self",
    "gradio.state_holder:SessionState.__init__": "self blocks",
    "gradio.state_holder:SessionState.__setitem__": "self key value",
    "gradio.state_holder:SessionState._update_config": "self key",
    "gradio.state_holder:SessionState._update_value_in_config": "self key value",
    "gradio.state_holder:StateHolder.__getitem__": "self session_id",
    "gradio.state_holder:StateHolder.__init__": "self",
    "gradio.state_holder:StateHolder.set_blocks": "self blocks",
    "gradio.utils:safe_join": "directory path",
    "gradio.route_utils:client_utils.strip_invalid_filename_characters": "filename max_bytes",
}

# What is read or replaced.
NAMES = (
    "gradio.blocks:SessionState", "gradio.mcp:GradioMCPServer._file_data_tool_description", "gradio.mcp:SessionState",
    "gradio.queueing:traceback.print_exc", "gradio.route_utils:API_PREFIX", "gradio.route_utils:GradioUploadFile",
    "gradio.route_utils:SessionState", "gradio.route_utils:XSS_SAFE_MIMETYPES",
    "gradio.route_utils:traceback.print_exc", "gradio.routes:CustomCORSMiddleware", "gradio.routes:StateHolder",
    "gradio.routes:traceback.print_exc", "gradio.state_holder:SessionState.components",
    "gradio.data_classes:FileData", "gradio.data_classes:ListFiles", "gradio.data_classes:DeveloperPath",
    "gradio.data_classes:UserProvidedPath", "gradio.server_messages:ProcessCompletedMessage",
)  # fmt: skip

# Method -> attributes that it gives its object.
ATTRIBUTES = {
    "gradio.blocks:Blocks.__exit__": "config",
    "gradio.blocks:Blocks.queue": "_queue",
    "gradio.mcp:GradioMCPServer.__init__": "mcp_server",
    "gradio.queueing:Event.__init__": "_id session_hash alive",
    "gradio.queueing:Queue.__init__": "ANALYTICS_MAX_EVENTS active_jobs blocks event_ids_to_events "
    "pending_event_ids_session pending_messages_per_session",
    "gradio.state_holder:StateHolder.__init__": "capacity lock session_data time_last_used",
    "gradio.state_holder:StateHolder.set_blocks": "blocks capacity state_holder",
}

# As above, of methods that are not called but written anew here: they may set nothing else.
WRITTEN_ANEW = {
    "gradio.state_holder:SessionState.__init__": "STATE_TTL_WHEN_CLOSED _state_ttl blocks_config config_values "
    "is_closed state_data",
}

_replaced: dict[tuple[ModuleType, str], Any] = {}  # attributes of modules as gradio made them


def check() -> None:
    """Makes sure that the installed gradio is made as this module expects.

    Raises:
        RuntimeError: it is another version, or something is missing or has other parameters: all of that is named.
    """
    wrong = [] if gr.__version__ == VERSION else [f"the installed version is {gr.__version__}"]
    for name in (*SIGNATURES, *NAMES, *ATTRIBUTES, *WRITTEN_ANEW):
        try:
            found = _own(name)
        except (ImportError, AttributeError):
            wrong.append(f"{name} is missing")
            continue
        if name in SIGNATURES:
            parameters = " ".join(inspect.signature(found).parameters)
            if parameters != SIGNATURES[name]:
                wrong.append(f"{name} has the parameters ({parameters}), not ({SIGNATURES[name]})")
        if name in ATTRIBUTES:
            missing = set(ATTRIBUTES[name].split()) - _attributes_set_by(found)
            wrong += [f"{name} no longer sets {attribute}" for attribute in sorted(missing)]
        if name in WRITTEN_ANEW:
            other = set(WRITTEN_ANEW[name].split()) ^ _attributes_set_by(found)
            wrong += [f"{name} has changed what it does with {attribute}" for attribute in sorted(other)]
    if wrong:
        raise RuntimeError(
            f"{__name__} was written for gradio {VERSION} and does not fit: {'; '.join(dict.fromkeys(wrong))}."
        )


def _own(name: str) -> Any:
    """What gradio itself has under a name, whatever has been put in its place."""
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        key = (found, part)
        found = _replaced[key] if isinstance(found, ModuleType) and key in _replaced else getattr(found, part)
    return found


def _attributes_set_by(method: Callable) -> set[str]:
    """Names of the attributes that a method assigns, of whatever object."""
    instructions = dis.get_instructions(inspect.unwrap(method))
    return {instruction.argval for instruction in instructions if instruction.opname == "STORE_ATTR"}


def replace(owner: object, name: str, value: object) -> None:
    """Puts ``value`` in the place of an attribute, which must be there.

    Raises:
        RuntimeError: it is not: another version of the library would go on without the replacement.
    """
    if not hasattr(owner, name):
        called = getattr(owner, "__name__", type(owner).__name__)
        raise RuntimeError(f"{called} has no {name} to replace; is another version of it installed?")
    if isinstance(owner, ModuleType):
        _replaced.setdefault((owner, name), getattr(owner, name))
    setattr(owner, name, value)


check()
