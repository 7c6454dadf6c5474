# core_plot.gp - pause and total time over memory, with their limits
#
#     gnuplot -e "data='core-plot.dat'; out='.'" core_plot.gp
set terminal svg size 640,420 dynamic font "sans-serif,13"
set logscale xy 2
set xlabel "memory (MiB), random, 4 KiB pages, 1 thread"
set key left top
set grid

set output out."/core-pause.svg"
set ylabel "pause (ms)"
plot data using 1:2 with linespoints lw 2 title "checkpoint", \
     data using 1:3 with linespoints lw 2 title "bare fork()", \
     data using 1:(1.5*$3+5) with lines dt 2 title "goal: 1.5 fork + 5 ms"

set output out."/core-total.svg"
set ylabel "until durable (s)"
plot data using 1:4 with linespoints lw 2 title "checkpoint", \
     data using 1:5 with linespoints lw 2 title "O_DIRECT write + fsync", \
     data using 1:(1.15*$5) with lines dt 2 title "goal: 1.15 of that"
