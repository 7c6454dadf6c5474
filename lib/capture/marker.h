/* marker.h - how one sees from outside that a process is under checkpointing
 *
 * The process maps a memfd of this name, followed by the number of its
 * checkpoint signal; /proc/PID/maps shows it as "/memfd:libckpt-signal-12
 * (deleted)".  The mapping belongs to the process, not to the program: it is
 * in no image and is made again after a restart.
 */
#ifndef CKPT_CAPTURE_MARKER_H
#define CKPT_CAPTURE_MARKER_H

#define CKPT_MARKER_PREFIX "libckpt-signal-"

#endif
