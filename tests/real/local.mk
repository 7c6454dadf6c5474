# tests/real: programs nobody here wrote, stopped at random instants
EXTRA_DIST += tests/real/README.md tests/real/real.sh tests/real/fetch.sh
dist_check_SCRIPTS += tests/real/sample.sh tests/real/interpreters.sh \
	tests/real/tools.sh tests/real/sources.sh tests/real/languages.sh \
	tests/real/science.sh tests/real/compilers.sh tests/real/runtimes.sh \
	tests/real/algebra.sh tests/real/biology.sh tests/real/media.sh \
	tests/real/physics.sh tests/real/builds.sh tests/real/remote.sh \
	tests/real/numbers.sh tests/real/releases.sh
TESTS += tests/real/sample.sh
# One run over all of them, and over the programs of tests/progs.
dist_check_SCRIPTS += tests/real/long.sh
EXTRA_DIST += tests/system/own_instants.sh tests/system/evictions.sh
CHECK_LONG_TESTS += tests/real/long.sh tests/real/remote.sh tests/real/releases.sh
