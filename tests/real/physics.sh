#!/bin/bash
# physics.sh - simulations: OpenMP, thread-MPI, one process of Open MPI, Fortran
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"
NAP_MS=spread
# One process of Open MPI without its daemon and without sockets to others.
export OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_btl=self
export OMP_NUM_THREADS=2

if begin lammps lmp; then
    cat >in.lj <<'X2'
units lj
atom_style atomic
lattice fcc 0.8442
region box block 0 9 0 9 0 9
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287 loop geom
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
fix 1 all nve
thermo 100
dump d all custom 500 out.dump id x y z
run 2500
X2
    FILTER='/time/d; /^Performance/d; /CPU use/d; /[0-9] *|/d' go lammps lmp -in in.lj -log none
fi
if begin gromacs gmx; then # thread-MPI and OpenMP, threads bound to processors
    awk 'BEGIN { n = 10; print "argon"; print n * n * n; for (i = 0; i < n * n * n; i++)
        printf "%5dAR      AR%5d%8.3f%8.3f%8.3f\n", i + 1, i + 1, (i % n) * 0.38, (int(i / n) % n) * 0.38, int(i / n / n) * 0.38; print 3.8, 3.8, 3.8 }' >conf.gro
    cat >topol.top <<'X2'
[ defaults ]
1 2 no 1.0 1.0
[ atomtypes ]
AR 39.948 0.0 A 0.3405 0.9963
[ moleculetype ]
AR 1
[ atoms ]
1 AR 1 AR AR 1 0.0 39.948
[ system ]
argon
[ molecules ]
AR 1000
X2
    printf '%s\n' 'integrator = md' 'dt = 0.002' 'nsteps = 12000' 'cutoff-scheme = Verlet' 'rvdw = 0.9' 'rcoulomb = 0.9' 'rlist = 0.9' 'gen-vel = yes' 'gen-temp = 100' 'gen-seed = 5' 'nstxout = 1000' 'nstenergy = 1000' 'nstlog = 1000' >md.mdp
    gmx -quiet grompp -f md.mdp -c conf.gro -p topol.top -o run.tpr -maxwarn 9 >/dev/null 2>&1
    ONLY_EXIT=1 IGNORE='run.[lec]*' go gromacs gmx -quiet mdrun -reprod -nt 2 -deffnm run
fi
if begin ccx ccx; then # finite elements, threads of SPOOLES
    awk 'BEGIN { n = 14; print "*NODE, NSET=ALL"; for (k = 0; k <= n; k++) for (j = 0; j <= n; j++) for (i = 0; i <= n; i++) printf "%d,%g,%g,%g\n", 1 + i + 99 * j + 9801 * k, i, j, k
        print "*ELEMENT, TYPE=C3D8, ELSET=E"; for (k = 0; k < n; k++) for (j = 0; j < n; j++) for (i = 0; i < n; i++) { b = 1 + i + 99 * j + 9801 * k; printf "%d,%d,%d,%d,%d,%d,%d,%d,%d\n", ++e, b, b + 1, b + 100, b + 99, b + 9801, b + 9802, b + 9901, b + 9900 }
        print "*MATERIAL, NAME=M\n*ELASTIC\n210000,.3\n*DENSITY\n7.8e-9\n*SOLID SECTION, ELSET=E, MATERIAL=M\n*NSET, NSET=FIX"; for (j = 0; j <= n; j++) for (i = 0; i <= n; i++) print 1 + i + 99 * j
        print "*BOUNDARY\nFIX,1,3\n*STEP\n*FREQUENCY\n6\n*NODE FILE\nU\n*END STEP" }' >job.inp
    FILTER='/[Tt]ime/d; /seconds/d' IGNORE='*.[fsd][rta][dat]*' go ccx ccx -i job
fi
if begin ngspice ngspice; then
    { echo 'ring'; n=15; for ((i = 0; i < n; i++)); do
        echo "m$i n$(((i + 1) % n)) n$i 0 0 nm w=2u l=1u"; echo "p$i n$(((i + 1) % n)) n$i v v pm w=4u l=1u" | sed 's/^p/mp/'; echo "c$i n$i 0 10f"; done
        echo 'v v 0 3'; echo '.model nm nmos level=1 vto=0.7 kp=80u'; echo '.model pm pmos level=1 vto=-0.7 kp=30u'; echo '.ic v(n0)=3'; echo '.tran 0.05n 1000n uic'; echo '.print tran v(n0) v(n7)'; echo .end; } >in.cir
    FILTER='/[Tt]ime/d; /[Mm]emory/d; /DRAM/d; /[Ss]hared/d; /[Tt]ext/d; /[Ll]ibrary/d; /pages/d; /size/d; /stack/d; /CPU/d; /^Date/d; /20[0-9][0-9]/d' go ngspice ngspice -b in.cir
fi
if begin vvp iverilog vvp; then
    cat >prog.v <<'X2'
module t; reg clk = 0; reg [31:0] lfsr = 32'h1234567; reg [63:0] sum = 0; integer i = 0; reg [31:0] mem [0:1023]; integer k;
always #5 clk = ~clk; initial for (k = 0; k < 1024; k = k + 1) mem[k] = 0;
always @(posedge clk) begin lfsr <= {lfsr[30:0], lfsr[31] ^ lfsr[21] ^ lfsr[1] ^ lfsr[0]}; mem[lfsr[9:0]] <= mem[lfsr[9:0]] + lfsr; sum <= sum + mem[lfsr[19:10]] * lfsr; i <= i + 1;
if (i % 50000 == 0) $display("%0d %h %h", i, lfsr, sum); if (i == 2000000) $finish; end
endmodule
X2
    iverilog -o prog.vvp prog.v && go vvp vvp -n prog.vvp
fi
if begin qespresso pw.x; then # Fortran, Open MPI, FFTW, LAPACK
    pseudo=$(find / -xdev -name 'Si*.UPF' -print -quit 2>/dev/null) || true
    if [ -n "$pseudo" ]; then
        cp "$pseudo" Si.UPF
        cat >in.pw <<'X2'
&control calculation='scf' prefix='si' outdir='./tmp' pseudo_dir='.' disk_io='none' /
&system ibrav=2 celldm(1)=10.2 nat=2 ntyp=1 ecutwfc=30.0 nbnd=12 /
&electrons conv_thr=1.0d-10 /
ATOMIC_SPECIES
Si 28.086 Si.UPF
ATOMIC_POSITIONS alat
Si 0.00 0.00 0.00
Si 0.25 0.25 0.25
K_POINTS automatic
6 6 6 1 1 1
X2
        FILTER='/CPU/d; /WALL/d; /starts on/d; /cpu time/d; /ended on/d; /terminated on/d; /[Rr]AM/d; /called/d' \
            IGNORE='tmp' go qespresso pw.x -in in.pw
    else
        echo "qespresso: not tried: no potential for silicon on this machine"
    fi
fi
if begin argon2 argon2; then # threads that come and go
    printf password >stdin
    FILTER='/seconds/d' go argon2 argon2 saltsaltsalt -id -t 40 -m 18 -p 2
fi
report
