# Sourced by the scripts beside it: is there a Rust that builds Mimus?

# need_rust NAME: says under NAME what is missing, and ends the script.
need_rust() {
    local needed has
    needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml")
    has=$(rustc --version 2>/dev/null | cut -d ' ' -f 2 | cut -d - -f 1) || true
    if command -v cargo >/dev/null && [[ -n $has ]] &&
        printf '%s\n' "$needed" "$has" | sort --version-sort --check=quiet; then
        return 0
    fi
    {
        echo "$1: Mimus is built by Rust $needed or newer; here is ${has:-none}."
        echo "$1: rustup brings it: apt install rustup && rustup default stable (Debian 13), or see rustup.rs"
    } >&2
    exit 1
}
