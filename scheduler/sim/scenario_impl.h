/* scenario_impl.h - the key table; for scenario*.c only */
#ifndef CKPT_SIM_SCENARIO_IMPL_H
#define CKPT_SIM_SCENARIO_IMPL_H

#include "scheduler/sim/scenario.h"

enum sim_key_kind { TEXT, NUMBER, COUNT, SECONDS, LAW, OWN };

typedef int sim_setter(struct sim_scenario *s, const char *value,
                       struct ckpt_err *err);

struct sim_key {
    const char *name;
    enum sim_key_kind kind;
    size_t at;
    sim_setter *set; /* of kind OWN */
    const char *fallback;
    const char *meaning;
};

/* Ended by a key without a name. */
extern const struct sim_key sim_keys[];

sim_setter sim_set_workload, sim_set_owner_trace;

int sim_bad_value(struct ckpt_err *err, const char *key, const char *value,
                  const char *wanted);
int sim_value_set(const struct sim_key *k, void *at, const char *value,
                  struct ckpt_err *err);

/* Call `take` with every line of a file that is not empty or a comment. */
int sim_each_line(const char *path, int (*take)(void *arg, char *line),
                  void *arg, struct ckpt_err *err);

/* Room for one more of `size` bytes in an array of n; NULL without memory. */
void *sim_one_more(void *array, uint32_t n, size_t size);

#endif
