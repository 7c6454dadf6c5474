/* expr.c - see expr.h: attributes and matching; expr_parse.c reads the text */
#include "scheduler/core/expr_impl.h"

#include <stdlib.h>
#include <string.h>

const struct expr_attribute_info expr_attributes[ATTRIBUTES] = {
    {"name", TYPE_TEXT, 0, "the station's name"},
    {"arch", TYPE_TEXT, 0, "machine architecture, x86_64"},
    {"cpus", TYPE_NUMBER, 1, "processors"},
    {"memory", TYPE_SIZE, 1048576, "total memory"},
    {"memory_free", TYPE_SIZE, 1048576, "memory available now"},
    {"disk", TYPE_SIZE, 1024, "space for scratch files"},
    {"load", TYPE_NUMBER, 1, "load average without our own jobs"},
    {"owner_idle", TYPE_TIME, 1, "time since the owner's last activity"},
    {"opsys", TYPE_TEXT, 0, "LINUX"},
};

void expr_free(struct expr *expr)
{
    if (expr)
        free(expr->copy);
    free(expr);
}

static const char *station_text(const struct expr_station *s, int attribute)
{
    const char *text = attribute == A_NAME   ? s->name
                       : attribute == A_ARCH ? s->arch
                                             : "LINUX";
    return text ? text : "";
}

static double station_number(const struct expr_station *s, int attribute)
{
    switch (attribute) {
    case A_CPUS:
        return s->cpus;
    case A_MEMORY:
        return (double)s->memory;
    case A_FREE:
        return (double)s->memory_free;
    case A_DISK:
        return (double)s->disk;
    case A_LOAD:
        return s->load;
    default:
        return s->owner_idle;
    }
}

static bool compare_holds(const struct node *n, const struct expr_station *s)
{
    double a, b = n->number;

    if (expr_attributes[n->attribute].type == TYPE_TEXT) {
        bool same = !strcasecmp(station_text(s, n->attribute), n->text);
        return same == (n->op == C_EQ);
    }
    a = station_number(s, n->attribute);
    switch (n->op) {
    case C_EQ:
        return a >= b && a <= b;
    case C_NE:
        return a < b || a > b;
    case C_LE:
        return a <= b;
    case C_GE:
        return a >= b;
    case C_LT:
        return a < b;
    case C_GT:
        return a > b;
    }
    return false;
}

static bool has_feature(const char *features, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = features; at && *at;) {
        size_t word = strcspn(at, " ");
        if (word == len && !strncasecmp(at, name, len))
            return true;
        at += word + strspn(at + word, " ");
    }
    return false;
}

static bool node_holds(const struct expr *expr, int i,
                       const struct expr_station *s)
{
    const struct node *n = &expr->nodes[i];

    switch (n->kind) {
    case N_OR:
        return node_holds(expr, n->left, s) || node_holds(expr, n->right, s);
    case N_AND:
        return node_holds(expr, n->left, s) && node_holds(expr, n->right, s);
    case N_NOT:
        return !node_holds(expr, n->left, s);
    case N_CONST:
        return n->truth;
    case N_HAS:
        return has_feature(s->features, n->text);
    case N_COMPARE:
        return compare_holds(n, s);
    }
    return false;
}

bool expr_match(const struct expr *expr, const struct expr_station *station)
{
    return !expr || node_holds(expr, expr->root, station);
}

const char *expr_attribute(unsigned i, const char **meaning)
{
    if (i >= ATTRIBUTES)
        return NULL;
    *meaning = expr_attributes[i].meaning;
    return expr_attributes[i].name;
}
