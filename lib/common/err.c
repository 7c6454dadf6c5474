/* err.c - see err.h */
#include "lib/common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ckpt_err_set(struct ckpt_err *err, int errnum, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    errno = errnum;
    return -1;
}

int ckpt_err_sys(struct ckpt_err *err, const char *fmt, ...)
{
    int errnum = errno;

    if (err) {
        const char *why = strerrordesc_np(errnum);
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof err->text)
            snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s",
                     why ? why : "unknown error");
    }
    errno = errnum;
    return -1;
}

int ckpt_err_prefix(struct ckpt_err *err, const char *fmt, ...)
{
    int errnum = errno;

    if (err) {
        char old[sizeof err->text];
        memcpy(old, err->text, sizeof old);
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof err->text)
            snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", old);
    }
    errno = errnum;
    return -1;
}
