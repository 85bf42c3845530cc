# SPDX-License-Identifier: MIT
#
# Sourced by quickstart.sh and test.sh: finds out what is missing and installs it, after asking.
#
#   need PACKAGE...    Debian packages that must be there
#   install_needed     installs those that are not; asks first unless root, --yes or CI

needed=()
need() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || needed+=("$package")
  done
}

install_needed() {
  [ ${#needed[@]} = 0 ] && return 0
  local sudo=
  if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    echo "These packages are missing and would be installed with: sudo apt-get install ${needed[*]}"
    if [ "$yes" != 1 ]; then
      local answer=
      read -r -p "Install them? [y/N] " answer || true
      case $answer in y | Y | yes) ;; *) echo "Nothing was installed." >&2; return 1 ;; esac
    fi
  else
    echo "Installing: ${needed[*]}"
  fi
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${needed[@]}" > /dev/null
  needed=()
}

# On other systems: say what to install, go on if it is there.
is_debian() { command -v apt-get > /dev/null && command -v dpkg-query > /dev/null; }
explain_elsewhere() {
  cat >&2 <<'TEXT'
This is neither Debian nor Ubuntu, so nothing is installed for you. Needed: a C++20 compiler (g++ 12 or
clang 14), CMake 3.20, Eigen 3.4 or 5, zlib, stb (stb_image_write.h), CLI11, nlohmann-json, libpng and
libjpeg-turbo for fovea::images and mnist_predict, and doctest for the tests.
Homebrew: brew install cmake eigen cli11 nlohmann-json libpng jpeg-turbo doctest libomp.
Fedora: dnf install gcc-c++ cmake eigen3-devel zlib-devel stb-devel cli11-devel json-devel libpng-devel \
  libjpeg-turbo-devel doctest-devel.
TEXT
}

# The options that both scripts know.
yes=${CI:+1}
yes=${yes:-0}

jobs() { nproc 2> /dev/null || echo 2; }
