#!/bin/sh
# Makes sure that `npm start` and `npm test` find what they need: the npm packages, a Redis server and a MySQL server.
# Does nothing, in some 10 ms, when all of it is there.
#   --with-browser   also Chromium, for the tests of the console
# Exit codes: 0 all is there, 78 (EX_CONFIG) something has to be installed by hand: the command is printed.
set -eu
cd "$(dirname "$0")/.."

with_browser=no
for argument in "$@"; do
  case $argument in
  --with-browser) with_browser=yes ;;
  *) echo "usage: sh scripts/setup.sh [--with-browser]" >&2; exit 64 ;;
  esac
done

# src/dev/binaries.ts looks in the same places.
places="/usr/sbin /usr/local/sbin /usr/local/bin /usr/libexec /opt/homebrew/bin /opt/homebrew/opt/mariadb/bin"
places="$places /opt/homebrew/opt/mysql/bin /usr/local/opt/mariadb/bin /usr/local/opt/mysql/bin /usr/local/mysql/bin"
# For tests of this script alone: look in PATH and nowhere else.
places=${TEMJOB_SETUP_PLACES-$places}

has() { # program…: whether one of them is there
  for program in "$@"; do
    command -v "$program" >/dev/null && return 0
    for place in $places; do
      [ -x "$place/$program" ] && return 0
    done
  done
  return 1
}

needs_packages() {
  [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]
}
needs_redis() { [ -z "${TEMJOB__REDIS__URL-}" ] && ! has redis-server valkey-server; }
needs_mysql() { [ -z "${TEMJOB__DATABASE__MYSQL__URL-}" ] && ! has mariadbd mysqld; }
needs_browser() {
  [ $with_browser = yes ] && ! has chromium chromium-browser google-chrome google-chrome-stable &&
    [ -z "$(ls -d "$HOME"/.cache/ms-playwright/chromium-* "$HOME"/Library/Caches/ms-playwright/chromium-* 2>/dev/null)" ] &&
    [ ! -x "/Applications/Chromium.app/Contents/MacOS/Chromium" ] &&
    [ ! -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}
needs_something() { needs_packages || needs_redis || needs_mysql || needs_browser; }

needs_something || exit 0

say() { echo "setup: $*"; }

# From here on one at a time: `npm start` and `npm test` may come together.
undo=""
on_exit() {
  status=$?
  trap - EXIT INT TERM HUP
  eval "$undo"
  exit $status
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p -m 700 .temjob
lock=.temjob/setup.lock
waits=no
nameless=0
until mkdir "$lock" 2>/dev/null; do
  owner=$(cat "$lock/pid" 2>/dev/null || :)
  # One that has no owner after some seconds was left by somebody who died in between.
  if [ -n "$owner" ]; then nameless=0; else nameless=$((nameless + 1)); fi
  if [ $nameless -gt 25 ] || { [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; }; then
    nameless=0
    # Only one of those who see it can move it away, and what it has moved is looked at again.
    if mv "$lock" "$lock.$$" 2>/dev/null; then
      [ "$(cat "$lock.$$/pid" 2>/dev/null || :)" = "$owner" ] || mv "$lock.$$" "$lock" 2>/dev/null || :
      rm -rf "$lock.$$"
    fi
    continue
  fi
  [ $waits = yes ] || say "another setup is running here, waiting for it"
  waits=yes
  sleep 0.2 2>/dev/null || sleep 1
done
undo="rm -rf '$lock'"
echo $$ >"$lock/pid"

if needs_packages; then
  say "installing the npm packages (npm ci)"
  npm ci --no-audit --no-fund --loglevel=error
  # npm keeps the time of an unchanged file.
  touch node_modules/.package-lock.json
fi

as_root=""
if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
can_be_root() {
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"; }
knows() { apt-cache show "$1" >/dev/null 2>&1; }

apt_packages() {
  if needs_redis; then if knows redis-server; then echo redis-server; else echo valkey-server; fi; fi
  # The core package is the server without a service of the system: all that is wanted, and half the size.
  if needs_mysql; then
    if knows mariadb-server-core; then echo mariadb-server-core mariadb-client-core; else echo mariadb-server; fi
  fi
  if needs_browser && knows chromium; then echo chromium; fi
}

# Debian starts the service of every server that it installs; TemJob needs the programs alone. A rule of the machine's own stays as it is.
install_by_apt() {
  rule=/usr/sbin/policy-rc.d
  if [ ! -e $rule ]; then
    undo="$as_root rm -f $rule; $undo"
    printf '#!/bin/sh\n# Made by TemJob, %s, for the time of one apt-get: start no services.\nexit 101\n' "scripts/setup.sh" |
      $as_root tee $rule >/dev/null
    $as_root chmod 755 $rule
  fi
  say "apt-get update"
  # Without fresh lists the old ones may do, and what is missing in the end is said.
  apt update >/dev/null || :
  packages=$(apt_packages | tr '\n' ' ')
  [ -n "$packages" ] || return 0
  say "apt-get install --no-install-recommends $packages"
  # Without a terminal's progress bars: a line per step.
  apt install --no-install-recommends $packages </dev/null | grep -E '^(Need to get|Get:|Setting up)' || :
  # It would start with the machine the next time.
  if [ -d /run/systemd/system ]; then
    case $packages in *redis-server*) $as_root systemctl --quiet disable redis-server || : ;; esac
    case "$packages " in *"mariadb-server "*) $as_root systemctl --quiet disable mariadb || : ;; esac
  fi
}

install_by_brew() {
  formulas=""
  if needs_redis; then formulas="$formulas redis"; fi
  if needs_mysql; then formulas="$formulas mariadb"; fi
  if [ -n "$formulas" ]; then
    say "brew install$formulas"
    brew install $formulas || :
  fi
  if needs_browser; then
    say "brew install --cask chromium"
    brew install --cask chromium || :
  fi
}

# Ubuntu's Chromium is a snap, which not every machine can run.
install_browser_by_playwright() {
  say "installing Chromium (playwright-core install chromium)"
  node_modules/.bin/playwright-core install --with-deps chromium || :
}

command_for_platform() {
  browser=""
  if command -v apt-get >/dev/null; then
    if needs_browser; then browser=" chromium"; fi
    echo "sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-server mariadb-server$browser"
  elif command -v dnf >/dev/null; then
    if needs_browser; then browser=" chromium"; fi
    echo "sudo dnf install -y valkey mariadb-server$browser"
  elif command -v pacman >/dev/null; then
    if needs_browser; then browser=" chromium"; fi
    echo "sudo pacman -S --needed valkey mariadb$browser"
  elif command -v apk >/dev/null; then
    if needs_browser; then browser=" chromium"; fi
    echo "sudo apk add redis mariadb$browser"
  elif command -v zypper >/dev/null; then
    if needs_browser; then browser=" chromium"; fi
    echo "sudo zypper install -y redis mariadb$browser"
  elif command -v brew >/dev/null || [ "$(uname -s)" = Darwin ]; then
    if needs_browser; then browser=" && brew install --cask chromium"; fi
    echo "brew install redis mariadb$browser"
  else
    echo "the package manager of this machine, to install a Redis (or Valkey) server and a MariaDB (or MySQL) server"
  fi
}

give_up() {
  missing=""
  if needs_redis; then missing="$missing, a Redis server (redis-server or valkey-server)"; fi
  if needs_mysql; then missing="$missing, a MySQL server (mysqld or mariadbd)"; fi
  if needs_browser; then missing="$missing, Chromium"; fi
  cat >&2 <<MESSAGE
setup: missing: ${missing#, }.
  TemJob keeps its state in real servers, in development and in tests too, and could not install them here by itself.
  To fix it, run:
    $(command_for_platform)
  or name servers that run already:
    TEMJOB__REDIS__URL=redis://host:6379  TEMJOB__DATABASE__MYSQL__URL=mysql://user:password@host:3306/temjob
MESSAGE
  exit 78
}

if needs_redis || needs_mysql || needs_browser; then
  if [ "$(uname -s)" = Darwin ] && command -v brew >/dev/null; then
    install_by_brew
  elif command -v apt-get >/dev/null && can_be_root; then
    install_by_apt
    if needs_browser; then install_browser_by_playwright; fi
  fi
  if needs_redis || needs_mysql || needs_browser; then give_up; fi
fi
say "done"
