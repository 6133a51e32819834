# shellcheck shell=bash
# What this project needs from the machine: Debian packages and a Swift compiler. Sourced by the scripts, never run.
# Silent and quick (dpkg-query, no apt) when nothing is missing; it never touches anything that is installed.

# The linker and the C headers `swift build` uses, the four C libraries, a font for the pictures, and a dataset.
# shellcheck disable=SC2034  # read by the scripts
readonly BUILD_PACKAGES=(
    binutils g++ git libc6-dev
    libzmq3-dev libsodium-dev libcairo2-dev libgif-dev zlib1g-dev
    ca-certificates curl fonts-dejavu-core dataset-fashion-mnist
)
# shellcheck disable=SC2034  # read by scripts/test and .ci/run
readonly TEST_PACKAGES=(python3)
# shellcheck disable=SC2034  # read by .ci/run
readonly CHECK_PACKAGES=(python3-venv shellcheck)
# Where a compiler may be although PATH does not say so: swiftly, a tarball, a distribution.
readonly SWIFT_FOLDERS=("${HOME:-/root}/.local/share/swiftly/bin" /opt/swift/usr/bin /usr/local/swift/usr/bin)

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "${0##*/}: $*"
    exit 1
}

is_debian() { command -v dpkg-query > /dev/null && command -v apt-get > /dev/null; }

# Prints those of the named packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || printf '%s\n' "$package"
    done
}

# Prints what to put before a command that needs root: nothing, `sudo -n`, or `sudo` where someone can type a password.
# Fails where there is no way to become root.
root_prefix() {
    if [[ $(id -u) == 0 ]]; then
        return 0
    elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
        printf 'sudo -n'
    elif command -v sudo > /dev/null && [[ -t 0 && -t 2 ]]; then
        printf 'sudo'
    else
        return 1
    fi
}

# Runs apt-get with root's rights and without questions; shows its words only when it fails.
apt_get() {
    local prefix log status=0
    prefix=$(root_prefix) || return 1
    log=$(mktemp)
    # shellcheck disable=SC2086  # the prefix is zero, one or two words
    $prefix env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
        > "$log" 2>&1 || status=$?
    if ((status != 0)); then cat "$log" >&2; fi
    rm -f "$log"
    return "$status"
}

# Installs the named packages where they are missing. Off Debian it looks for the libraries' headers instead.
require_packages() {
    if ! is_debian; then
        require_headers
        return
    fi
    local missing
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} > 0)) || return 0
    local command="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    root_prefix > /dev/null || fail "packages are missing and this user cannot install them; run as root:
    $command"
    say "Installing ${missing[*]} …"
    apt_get update || say "apt-get update failed; trying with the package lists that are here"
    apt_get install -y --no-install-recommends "${missing[@]}" || fail "could not install them; run as root and read on:
    $command"
}

require_headers() {
    printf '#include <%s>\n' zmq.h sodium.h cairo/cairo.h gif_lib.h zlib.h |
        ${CC:-cc} -fsyntax-only -x c - 2> /dev/null || fail "this is not Debian, so nothing is installed for you. Needed, with \
headers: a C compiler and linker, libzmq (4.3 or later), libsodium, cairo, giflib, zlib; and the font DejaVu Sans."
}

# The version `// swift-tools-version:` asks for in the manifest of the package at $1.
required_swift_version() { sed -n '1s/.*swift-tools-version: *\([0-9.]*\).*/\1/p' "$1/Package.swift"; }

installed_swift_version() {
    { swift --version 2> /dev/null < /dev/null || true; } | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p'
}

is_at_least() { printf '%s\n%s\n' "$2" "$1" | sort -V -C; }

readonly SWIFT_ADVICE="Get it from https://www.swift.org/install/linux/ : the installer there is called swiftly, and
\`swiftly install latest\` is enough."

# Makes `swift` a command, new enough for the package at $1, or says how to get one and ends.
require_swift() {
    local required version
    required=$(required_swift_version "$1")
    find_swift || install_swift "$required"
    version=$(installed_swift_version)
    [[ -n $version ]] || fail "$(command -v swift) is there but does not run:
$(swift --version 2>&1 < /dev/null)"
    is_at_least "$version" "$required" ||
        fail "Swift $version ($(command -v swift)) is too old: this package needs $required or later. $SWIFT_ADVICE"
}

find_swift() {
    local folder
    ! command -v swift > /dev/null || return 0
    for folder in "${SWIFT_FOLDERS[@]}"; do
        if [[ -x $folder/swift ]]; then
            PATH=$folder:$PATH
            export PATH
            return 0
        fi
    done
    return 1
}

# Debian's `swiftlang`, where the release has one that is new enough ($1).
install_swift() {
    local candidate=""
    if is_debian; then
        apt_get update || say "apt-get update did not work; asking the package lists that are here"
        candidate=$(apt-cache policy swiftlang 2> /dev/null | sed -n 's/^ *Candidate: *\([0-9][^-+~]*\).*/\1/p')
    fi
    [[ -n $candidate ]] || fail "Swift $1 or later is needed and none was found. $SWIFT_ADVICE"
    is_at_least "$candidate" "$1" ||
        fail "Swift $1 or later is needed, and this release's package swiftlang is $candidate. $SWIFT_ADVICE"
    require_packages swiftlang
    find_swift || fail "the package swiftlang was installed, but there is no command \`swift\`. $SWIFT_ADVICE"
}
