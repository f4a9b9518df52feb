# Sourced by the scripts beside it: a private apt for another suite or architecture.
#
# The mirror, its keyring and the proxy are the ones that this machine's own apt
# is configured with: the source entry of the Debian archive is copied, only its
# suite, components and architecture are replaced. Lists, caches and status live
# in a directory of ours, so nothing here changes what the machine's apt sees,
# and no root is needed.
#
#   apt_private DIR ARCH "SUITE..." [SOURCE_FILE]   prepare DIR (no network)
#   apt_update DIR                                  0, or 3 no network, 4 refused
#   apt_in DIR PROGRAM ARGS...                      run apt-get, apt-cache there
#   apt_fetch DIR INTO PACKAGE...                   download and unpack, same codes
#
# apt_error holds the reason, one line, after a failure.

APT_NO_NETWORK=3
APT_REFUSED=4
apt_error=

# Prints the first entry for the Debian archive in apt's own sources, without
# what apt_private replaces: a deb822 stanza, or "deb [options] URI".
apt_debian_entry() {
    local list parts host_suite='' suites
    eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
    if [[ -r /etc/os-release ]]; then
        host_suite=$(. /etc/os-release; [[ $ID == debian ]] && echo "${VERSION_CODENAME-}") || true
    fi
    suites=" oldoldstable oldstable stable testing unstable sid bullseye bookworm trixie forky $host_suite "

    local one_line=() deb822=() file
    for file in "$list" "${parts%/}"/*.list; do
        [[ ! -r $file || -d $file || $file == /dev/null ]] || one_line+=("$file")
    done
    for file in "${parts%/}"/*.sources; do
        [[ ! -r $file ]] || deb822+=("$file")
    done

    local entry=
    if ((${#one_line[@]})); then
        entry=$(awk -v suites="$suites" '
            { sub(/#.*/, "") }
            $1 != "deb" { next }
            {
                options = ""
                rest = $0
                sub(/^[ \t]*deb[ \t]+/, "", rest)
                if (rest ~ /^\[/) {
                    options = substr(rest, 2, index(rest, "]") - 2)
                    rest = substr(rest, index(rest, "]") + 1)
                }
                n = split(rest, word, " ")
                main = 0
                for (i = 3; i <= n; i++) if (word[i] == "main") main = 1
                if (!main || index(suites, " " word[2] " ") == 0) next
                n = split(options, option, " ")
                options = ""
                for (i = 1; i <= n; i++)
                    if (option[i] !~ /^(arch|lang|target|pdiffs)[-+]?=/) options = options option[i] " "
                print "deb [" options "] " word[1]
                exit
            }' "${one_line[@]}")
    fi
    if [[ -z $entry ]] && ((${#deb822[@]})); then
        entry=$(for file in "${deb822[@]}"; do cat "$file"; echo; done | awk -v suites="$suites" '
            function field(name,   i, value) { # its value, continuation lines joined
                value = ""
                for (i = 1; i <= n; i++) if (key[i] == name) value = value " " text[i]
                gsub(/[ \t]+/, " ", value)
                return value " "
            }
            function finish(   i, s, ok, word, m) {
                if (n && !printed && field("types") ~ / deb / && field("enabled") !~ / (no|false|off|0) /) {
                    ok = 0
                    m = split(field("suites"), word, " ")
                    for (s = 1; s <= m; s++) if (index(suites, " " word[s] " ")) ok = 1
                    if (ok && index(field("components"), " main ")) {
                        for (i = 1; i <= n; i++)
                            if (key[i] !~ /^(types|suites|components|architectures|enabled|languages|targets|pdiffs)$/) print raw[i]
                        printed = 1
                    }
                }
                n = 0
            }
            /^#/ { next }
            /^[ \t]*$/ { finish(); next }
            {
                ++n
                raw[n] = $0
                if ($0 ~ /^[ \t]/) { key[n] = key[n - 1]; text[n] = $0 }
                else {
                    key[n] = tolower(substr($0, 1, index($0, ":") - 1))
                    text[n] = substr($0, index($0, ":") + 1)
                }
            }
            END { finish() }')
    fi
    [[ -n $entry ]] && printf '%s\n' "$entry"
}

apt_private() {
    local dir=$1 arch=$2 suites=$3 entry suite
    if [[ -z $(command -v apt-get) ]]; then
        apt_error="apt-get is not installed: guests are fetched from Debian's archive with it"
        return "$APT_REFUSED"
    fi
    if ! entry=$(apt_debian_entry); then
        apt_error="apt's sources name no Debian archive (a 'deb' entry with a Debian suite and component main)"
        return "$APT_REFUSED"
    fi
    mkdir -p "$dir"/{lists/partial,cache/archives/partial,etc/sources.list.d,etc/preferences.d,etc/apt.conf.d}
    : >"$dir/status"
    rm -f "$dir"/etc/sources.list.d/*
    if [[ $entry == 'deb '* ]]; then
        for suite in $suites; do
            printf '%s %s main\n' "$entry" "$suite"
        done >"$dir/etc/sources.list.d/debian.list"
    else
        printf 'Types: deb\n%s\nSuites: %s\nComponents: main\n' "$entry" "$suites" \
            >"$dir/etc/sources.list.d/debian.sources"
    fi

    # Proxy, time-outs, certificates: as configured. Hooks of the machine's own
    # apt are not for this one, and it needs package lists alone.
    local netrc netrcparts trusted trustedparts
    eval "$(apt-config shell netrc Dir::Etc::netrc/f netrcparts Dir::Etc::netrcparts/d \
        trusted Dir::Etc::trusted/f trustedparts Dir::Etc::trustedparts/d)"
    {
        apt-config dump Acquire | grep -vE '^Acquire(::(IndexTargets|Languages|Changelogs)|[[:space:]])' || true
        cat <<END
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "$(id -un)"; // _apt need not reach a cache in someone's home
Dir::State "$dir";
Dir::State::status "$dir/status";
Dir::State::lists "$dir/lists";
Dir::Cache "$dir/cache";
Dir::Etc "$dir/etc";
Dir::Etc::parts "$dir/etc/apt.conf.d";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$dir/etc/sources.list.d";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$dir/etc/preferences.d";
Dir::Etc::netrc "$netrc";
Dir::Etc::netrcparts "$netrcparts";
Dir::Etc::trusted "$trusted";
Dir::Etc::trustedparts "$trustedparts";
END
    } >"$dir/apt.conf"
}

apt_in() {
    local dir=$1
    shift
    APT_CONFIG=$dir/apt.conf LC_ALL=C "$@"
}

# Reads apt's messages: sets apt_error, returns which kind of failure it is.
apt_judge() {
    local log=$1
    if grep -qE 'Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|Connection (failed|refused|timed out)|Network is unreachable|No route to host|Cannot initiate the connection' "$log"; then
        apt_error="no network: the Debian mirror that apt is configured with cannot be reached"
        return "$APT_NO_NETWORK"
    fi
    if grep -qE 'NO_PUBKEY|EXPKEYSIG' "$log"; then
        apt_error="the keyring of apt's Debian source does not know the key that signs this suite"
        return "$APT_REFUSED"
    fi
    apt_error=$(grep -E '^E: ' "$log" | head -1)
    apt_error="apt: ${apt_error#E: }"
    [[ $apt_error != 'apt: ' ]] || apt_error="apt failed; its messages are in $log"
    return "$APT_REFUSED"
}

apt_update() {
    local dir=$1 log=$1/update.log
    apt_in "$dir" apt-get update --error-on=any >"$log" 2>&1 && return 0
    # A newer suite than the machine's may be signed by a key that only a newer
    # keyring has. The machine's own suite, whose key it does have, offers that.
    if grep -qE 'NO_PUBKEY|EXPKEYSIG' "$log" && [[ ! -e $dir/keyring.gpg ]] && apt_newer_keyring "$dir"; then
        apt_in "$dir" apt-get update --error-on=any >"$log" 2>&1 && return 0
    fi
    apt_judge "$log"
}

apt_newer_keyring() {
    local dir=$1 own codename key entry
    codename=$(. /etc/os-release; echo "${VERSION_CODENAME-}")
    own=$dir/own
    apt_private "$own" "$(dpkg --print-architecture)" "${codename:-stable}" || return
    apt_in "$own" apt-get update --error-on=any >"$own/update.log" 2>&1 || return
    apt_fetch "$own" "$own/keyring" debian-archive-keyring || return
    key=$(echo "$own"/keyring/usr/share/keyrings/debian-archive-keyring.*)
    cp "${key%% *}" "$dir/keyring.gpg"
    for entry in "$dir"/etc/sources.list.d/*; do
        case $entry in
            *.list) sed -i -E "s#signed-by=[^] ]*##I; s#\[#[signed-by=$dir/keyring.gpg #" "$entry" ;;
            *) # the field may have continuation lines: a key in the file itself
                awk '/^[^ \t]/ { drop = tolower($0) ~ /^signed-by:/ } !drop' "$entry" >"$entry.new"
                echo "Signed-By: $dir/keyring.gpg" >>"$entry.new"
                mv "$entry.new" "$entry" ;;
        esac
    done
}

apt_fetch() {
    local dir=$1 into=$2 log=$1/download.log package
    shift 2
    rm -rf "$dir/packages"
    mkdir -p "$dir/packages" "$into"
    (cd "$dir/packages" && apt_in "$dir" apt-get -q download "$@") >"$log" 2>&1 || { apt_judge "$log"; return; }
    for package in "$dir"/packages/*.deb; do
        dpkg-deb -x "$package" "$into"
    done
    rm -rf "$dir/packages"
}

# The version that apt would take, or nothing.
apt_candidate() {
    apt_in "$1" apt-cache policy "$2" | sed -n 's/^ *Candidate: //p' | grep -v '^(none)$'
}
