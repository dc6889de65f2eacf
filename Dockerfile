# One's own server:
#   docker build -t cross-or-self .
#   docker run --read-only --tmpfs /tmp -p 7860:7860 cross-or-self
FROM python:3.11-slim-bookworm
WORKDIR /app
COPY packages.txt requirements.lock ./
RUN apt-get update \
    && xargs -a packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*
# With NVIDIA's libraries, 6 GB. Without a graphics card, a third of it, but without hashes:
#   pip install -r requirements.txt --extra-index-url https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY app.py ./
COPY core core
COPY demo demo
COPY checkpoints checkpoints
COPY docs/composed docs/composed
RUN useradd --no-create-home visitor
USER visitor
# What libraries keep for themselves goes where visitors' clips go: nothing else need be writable.
ENV HOME=/tmp GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
CMD ["python", "app.py"]
