/* vdso.h - jump stubs where the image's vdso was
 *
 * The vdso is the kernel's code in every process, and programs remember where
 * its functions are.  Another kernel brings another vdso: then the image's is
 * put back as plain memory, and each of its functions is overwritten with a
 * jump to the same function of the vdso that is here, or with the system call
 * when there is none.
 *
 * Pure, but for errors: works on copies of the two ELF images.
 */
#ifndef CKPT_RESTART_VDSO_H
#define CKPT_RESTART_VDSO_H

#include "lib/common/err.h"

#include <stddef.h>
#include <stdint.h>

/* Overwrite the functions in `old` (a copy of the image's vdso) with stubs that
 * lead into `now`, which will be at address `now_at`.  0, or -1 with EPROTO
 * when `old` is no vdso, ENOTSUP when `now` is none. */
int ckpt_vdso_redirect(uint8_t *old, size_t old_len, const uint8_t *now,
                       size_t now_len, uint64_t now_at, struct ckpt_err *err);

#endif
