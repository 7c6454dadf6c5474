/* submit_send.h - hand submissions to the home station
 */
#ifndef CKPT_CLI_SUBMIT_SEND_H
#define CKPT_CLI_SUBMIT_SEND_H

#include "cli/cli.h"
#include "cli/submit_file.h"

/* Queue them in their order, many in one transaction, and print the jobs'
 * numbers; the first one's goes to *id.  0, or -1 with errno: those whose
 * numbers were printed are queued, no others. */
int submit_send(const struct cli *cli, struct submission *made, size_t count,
                uint64_t *id, struct ckpt_err *err);

#endif
