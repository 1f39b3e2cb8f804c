#!/usr/bin/env bash
# Makes a folder with a Python for 64-bit ARM and what LatentPress needs there, for the emulator qemu-user:
#     tests/arm/make_root.sh FOLDER
# It takes Debian's and PyPI's packages (150 MB to fetch, 900 MB unpacked); nothing is installed on this system.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
python=${PYTHON:-python3}
release=bookworm version=3.11

apt="$folder/apt"
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/debs" "$folder/root"
: > "$apt/status"
echo "deb http://deb.debian.org/debian $release main" > "$apt/sources.list"
options=(
  -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root -o Acquire::Languages=none
  -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::sourcelist="$apt/sources.list"
)
apt-get "${options[@]}" update
(cd "$apt/debs" && apt-get "${options[@]}" download \
  python$version python$version-minimal libpython$version-minimal libpython$version-stdlib libpython$version-dev \
  libc6 libgcc-s1 libstdc++6 libgomp1 libexpat1 zlib1g libbz2-1.0 liblzma5 libffi8 libssl3 libsqlite3-0 libuuid1 \
  libcrypt1)
for package in "$apt"/debs/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
rm -r "$apt"

# torch's wheel names its needs by the processor that pip runs on, so that they are named here
"$python" -m pip install -q --disable-pip-version-check --target "$folder/site" --upgrade --no-deps \
  --only-binary=:all: --implementation cp --python-version $version \
  --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 \
  torch==2.8.0 numpy Pillow safetensors pytorch-msssim click rich typing_extensions sympy mpmath networkx jinja2 \
  MarkupSafe fsspec filelock markdown-it-py mdurl pygments
echo "LATENTPRESS_ARM_ROOT=$folder"
