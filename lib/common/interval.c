/* interval.c - see interval.h */
#include "lib/common/interval.h"

#include "lib/arch/x86_64.h"

double ckpt_interval_young(double cost_s, double mtbf_s)
{
    return ckpt_square_root(2 * cost_s * mtbf_s);
}

double ckpt_interval_daly(double cost_s, double mtbf_s)
{
    if (cost_s >= 2 * mtbf_s)
        return mtbf_s;
    double x = cost_s / (2 * mtbf_s);
    return ckpt_interval_young(cost_s, mtbf_s) *
               (1 + ckpt_square_root(x) / 3 + x / 9) -
           cost_s;
}
