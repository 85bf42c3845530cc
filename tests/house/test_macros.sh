#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The headers compile and work after any header of C, of POSIX and of this system, with GNU's macros "unix" and
# "linux" and with the words that X11, curses and old C programs define: none of our names is a macro of theirs.
#
#   CXX=g++ tests/house/test_macros.sh
#
# Left alone are "noreturn" of clang's stdnoreturn.h, a header that C++ does not have (there are warnings, no errors),
# "columns" and "lines" of term.h, which are too good for names of ours, min and max of Windows, which break the
# standard library as well, and "check" of old Apple headers, which Apple has given up.
set -euo pipefail
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
CXX=${CXX:-g++}
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
compile() {
  "$CXX" -std=gnu++20 -O1 -w -I . -I "$root/include" -isystem /usr/include/eigen3 -isystem /usr/include/stb "$@"
}

c="assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdbool stddef
  stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype"
posix="aio arpa/inet cpio dirent dlfcn fcntl fmtmsg fnmatch ftw glob grp iconv langinfo libgen libintl monetary mqueue ndbm
  net/if netdb netinet/in netinet/tcp nl_types poll pthread pwd regex sched search semaphore spawn strings stropts sys/ipc
  sys/mman sys/msg sys/resource sys/select sys/sem sys/shm sys/socket sys/stat sys/statvfs sys/time sys/times sys/types
  sys/uio sys/un sys/utsname sys/wait syslog tar termios ulimit unistd utime utmpx wordexp"
system="a.out alloca ar argp argz arpa/ftp arpa/nameser arpa/telnet arpa/tftp byteswap elf endian envz err error execinfo
  fstab fts getopt ieee754 ifaddrs lastlog link malloc mcheck mntent net/ethernet net/if_arp net/ppp_defs net/route
  netinet/icmp6 netinet/if_ether netinet/igmp netinet/ip netinet/ip6 netinet/ip_icmp netinet/udp nfs/nfs obstack paths
  printf protocols/routed protocols/talkd protocols/timed pty resolv scsi/scsi scsi/sg sgtty shadow stab stdio_ext sys/acct
  sys/auxv sys/cdefs sys/dir sys/epoll sys/eventfd sys/fanotify sys/file sys/gmon sys/inotify sys/io sys/ioctl sys/kd
  sys/klog sys/mount sys/mtio sys/param sys/pci sys/personality sys/poll sys/prctl sys/procfs sys/ptrace sys/queue sys/quota
  sys/random sys/raw sys/reboot sys/reg sys/sendfile sys/signalfd sys/soundcard sys/statfs sys/swap sys/syscall sys/sysinfo
  sys/sysmacros sys/timeb sys/timerfd sys/timex sys/ttychars sys/ttydefaults sys/ucontext sys/user sys/vfs sys/vlimit sys/vt
  sys/xattr sysexits termio ttyent ucontext utmp values"
# shellcheck disable=SC2086
for header in $c $posix $system; do
  printf '#if __has_include(<%s.h>)\n#  include <%s.h>\n#endif\n' "$header" "$header"
done > system_headers.hpp
# X11, curses, sys/param.h of BSD, Windows and math.h of System V.
for name in None Bool Status True False Success Always Complex Convex Opposite OK ERR TRUE FALSE IN OUT ERROR NO_ERROR VOID \
    CONST near far interface DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS HUGE MIN MAX isset setbit clrbit howmany roundup \
    powerof2 nitems _A _B _C _D _I _L _N _P _S _T _U _X B0 B1 I J i386 linux mips sgi sparc sun unix vax PI EPS; do
  printf '#ifndef %s\n#  define %s 0 +\n#endif\n' "$name" "$name"
done > words.hpp
# Less fovea/mpi, for mpi.h is nowhere in particular; tests/mpi compiles that.
(cd "$root/include" && find fovea -name '*.hpp' ! -path 'fovea/mpi/*' | sort | sed 's/.*/#include "&"/') > every_header.hpp

find "$root/include" -name '*.hpp' -print0 | xargs -0 sed -nE 's/^# *include (<[^>]+>)/#include \1/p' | grep -v 'omp.h\|mpi.h\|stb' |
  sort -u > theirs.hpp
compile -x c++ -E theirs.hpp > /dev/null || { echo "skipped: the headers include those above, which are not here"; exit 77; }

# A name of ours that is a macro, whether or not it does harm today; function-like ones need a "(" to do any.
compile -x c++ -E -dM system_headers.hpp | sed -nE 's/^#define ([A-Za-z_0-9]+)( .*)?$/\1/p' | sort -u > macros
grep -qx I macros || fail "expected to see the macro I of complex.h"
find "$root/include" -name '*.hpp' -print0 | xargs -0 cat |
  sed -E -e 's|//.*||' -e "s/'(\\\\.|[^'\\\\])'//g" -e 's/"(\\.|[^"\\])*"//g' | grep -vE '^ *# ' | grep -oE '[A-Za-z_][A-Za-z_0-9]*' |
  sort -u > names
# Those that we mean as macros.
meant='^(noreturn|INFINITY|NAN|errno|E(ACCES|EXIST|INTR|LOOP|MLINK|NOENT|NOTDIR|NXIO)|F_DUPFD_CLOEXEC|LC_ALL_MASK|SIZE_MAX|O_[A-Z]+|S_IF[A-Z]+|LOCK_[A-Z]+|SEEK_END|U?INT[0-9]+_MAX|PTRDIFF_MAX|__.*)$'
! comm -12 macros names | grep -vE "$meant" || fail "the names above are macros of the system"

# And all of them compile after those of others. What they include of other people's comes first: Eigen, for one, has
# an I of its own.
for before in system_headers words; do
  compile -include theirs.hpp -include $before.hpp -fsyntax-only "$root/tests/house/uses_everything.cpp" 2> errors ||
    { grep error errors | head -5; fail "after $before: expected to compile"; }
done

[ $failures = 0 ] && echo "macros: $(wc -l < macros) of the system, none of them a name of ours"
