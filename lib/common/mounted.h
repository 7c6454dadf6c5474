/* mounted.h - names in the view of a job whose files are mounted
 *
 * What ckpt-starter mounts, ckpt-mount serves and libckpt uses.
 */
#ifndef CKPT_COMMON_MOUNTED_H
#define CKPT_COMMON_MOUNTED_H

#define CKPT_MOUNTED_HOME "/.ckpt/home"
#define CKPT_MOUNTED_IMAGE CKPT_MOUNTED_HOME "/image"
#define CKPT_MOUNTED_LOG CKPT_MOUNTED_HOME "/log"

#endif
