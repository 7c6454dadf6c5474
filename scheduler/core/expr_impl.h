/* expr_impl.h - an expression as an array of nodes; inside of expr.h
 *
 * A node's children have smaller numbers, so there are no cycles and nothing
 * to free but the array.
 */
#ifndef CKPT_SCHEDULER_EXPR_IMPL_H
#define CKPT_SCHEDULER_EXPR_IMPL_H

#include "scheduler/core/expr.h"

enum value_type { TYPE_TEXT, TYPE_NUMBER, TYPE_SIZE, TYPE_TIME };

/* In the order of expr_attributes. */
enum expr_attribute {
    A_NAME,
    A_ARCH,
    A_CPUS,
    A_MEMORY,
    A_FREE,
    A_DISK,
    A_LOAD,
    A_IDLE,
    A_OS,
    ATTRIBUTES
};

extern const struct expr_attribute_info {
    const char *name;
    enum value_type type;
    double unit; /* of a number without one */
    const char *meaning;
} expr_attributes[ATTRIBUTES];

enum node_kind { N_OR, N_AND, N_NOT, N_CONST, N_HAS, N_COMPARE };
enum compare { C_EQ, C_NE, C_LE, C_GE, C_LT, C_GT };

struct node {
    enum node_kind kind;
    int left, right; /* children */
    int attribute;
    enum compare op;
    double number;
    const char *text; /* into struct expr's copy */
    bool truth;
};

struct expr {
    char *copy; /* strings, each terminated */
    int root;
    int count;
    struct node nodes[EXPR_NODES_MAX];
};

#endif
