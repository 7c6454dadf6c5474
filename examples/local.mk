# examples: each in a directory of its own, run by tests/system
EXTRA_DIST += examples/README.md examples/common.sh \
	examples/nbody-gsl/README.md examples/nbody-gsl/run \
	examples/nbody-gsl/nbody.c examples/nbody-gsl/cluster.in \
	examples/nbody-gsl/small.in \
	examples/heat-openmp/README.md examples/heat-openmp/run \
	examples/heat-openmp/heat.f90 examples/heat-openmp/plate.in \
	examples/heat-openmp/small.in \
	examples/walkers-cxx/README.md examples/walkers-cxx/run \
	examples/walkers-cxx/walkers.cc examples/walkers-cxx/maze.in \
	examples/walkers-cxx/small.in \
	examples/demo/README.md examples/demo/run examples/demo/pool.sh \
	examples/demo/peek.c

# The owner of a station in the demo.
noinst_PROGRAMS += examples/demo/typist
examples_demo_typist_SOURCES = examples/demo/typist.c

# Scenarios for ckpt sim; tests/sim runs them.
EXTRA_DIST += examples/sim/grace.conf examples/sim/policies.conf \
	examples/sim/heavy-tail.conf examples/sim/light-user.conf
