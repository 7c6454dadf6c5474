/* expr_parse.c - expressions from text, by recursive descent; see expr.h */
#include "scheduler/core/expr_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int attribute;
} aliases[] = {
    {"machine", A_NAME},   {"totalmemory", A_MEMORY}, {"loadavg", A_LOAD},
    {"totalcpus", A_CPUS}, {"keyboardidle", A_IDLE},
};

struct parser {
    const char *text, *at;
    struct expr *expr;
    size_t copied;
    int depth;
    struct ckpt_err *err;
};

struct operand {
    int column;
    int attribute; /* -1: a constant */
    enum value_type type;
    bool has_unit;
    double number;
    const char *text;
};

/* --- words --------------------------------------------------------------- */

static void skip_blanks(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static int column(const struct parser *p)
{
    return (int)(p->at - p->text) + 1;
}

static int wrong_at(struct parser *p, int where, const char *what)
{
    return ckpt_err_set(p->err, EINVAL, "column %d: %s", where, what);
}

static int expected(struct parser *p, const char *what)
{
    char found[32] = "the end";

    if (*p->at)
        snprintf(found, sizeof found, "\"%.*s\"",
                 (int)strcspn(p->at + 1, " \t()&|!<>=\"") + 1 > 20
                     ? 20
                     : (int)strcspn(p->at + 1, " \t()&|!<>=\"") + 1,
                 p->at);
    return ckpt_err_set(p->err, EINVAL, "column %d: %s expected, found %s",
                        column(p), what, found);
}

static bool take(struct parser *p, const char *symbol)
{
    skip_blanks(p);
    if (strncmp(p->at, symbol, strlen(symbol)) != 0)
        return false;
    p->at += strlen(symbol);
    return true;
}

/* Length of the name at the cursor; 0: there is none. */
static size_t name_length(const struct parser *p)
{
    size_t n = 0;

    if (!isalpha((unsigned char)p->at[0]) && p->at[0] != '_')
        return 0;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_' ||
           p->at[n] == '.')
        n++;
    return n;
}

static bool take_word(struct parser *p, const char *word)
{
    skip_blanks(p);
    if (name_length(p) != strlen(word) ||
        strncasecmp(p->at, word, strlen(word)) != 0)
        return false;
    p->at += strlen(word);
    return true;
}

static int node_add(struct parser *p, struct node node)
{
    if (p->expr->count == EXPR_NODES_MAX)
        return wrong_at(p, column(p), "the expression is too long");
    p->expr->nodes[p->expr->count] = node;
    return p->expr->count++;
}

/* --- operands ------------------------------------------------------------ */

static int parse_string(struct parser *p, const char **text)
{
    int start = column(p);
    const char *end = strchr(p->at + 1, '"');
    char *to = p->expr->copy + p->copied;
    size_t len;

    if (!end)
        return wrong_at(p, start, "the string does not end");
    len = (size_t)(end - p->at - 1);
    memcpy(to, p->at + 1, len);
    to[len] = '\0';
    p->copied += len + 1;
    p->at = end + 1;
    *text = to;
    return 0;
}

static int parse_number(struct parser *p, struct operand *o)
{
    static const struct {
        char name;
        enum value_type type;
        double factor;
    } units[] = {{'K', TYPE_SIZE, 1024},       {'M', TYPE_SIZE, 1048576},
                 {'G', TYPE_SIZE, 1073741824}, {'T', TYPE_SIZE, 1099511627776},
                 {'s', TYPE_TIME, 1},          {'m', TYPE_TIME, 60},
                 {'h', TYPE_TIME, 3600},       {'d', TYPE_TIME, 86400}};
    char *end;

    o->type = TYPE_NUMBER;
    o->number = strtod(p->at, &end);
    p->at = end;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (*p->at == units[i].name) {
            o->type = units[i].type;
            o->number *= units[i].factor;
            o->has_unit = true;
            p->at++;
            break;
        }
    if (isalnum((unsigned char)*p->at) || *p->at == '.' || *p->at == '_')
        return wrong_at(p, column(p), "this is no unit (K M G T s m h d)");
    return 0;
}

static int find_attribute(const char *name, size_t len)
{
    if (len > 7 && !strncasecmp(name, "TARGET.", 7)) {
        name += 7;
        len -= 7;
    }
    for (int i = 0; i < ATTRIBUTES; i++)
        if (strlen(expr_attributes[i].name) == len &&
            !strncasecmp(name, expr_attributes[i].name, len))
            return i;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strlen(aliases[i].name) == len &&
            !strncasecmp(name, aliases[i].name, len))
            return aliases[i].attribute;
    return -1;
}

static int parse_attribute(struct parser *p, struct operand *o)
{
    size_t len = name_length(p);

    o->attribute = find_attribute(p->at, len);
    if (o->attribute < 0)
        return ckpt_err_set(p->err, EINVAL,
                            "column %d: stations have no attribute \"%.*s\"",
                            column(p), (int)(len > 64 ? 64 : len), p->at);
    o->type = expr_attributes[o->attribute].type;
    p->at += len;
    return 0;
}

static int parse_operand(struct parser *p, struct operand *o)
{
    skip_blanks(p);
    *o = (struct operand){.column = column(p), .attribute = -1};
    if (*p->at == '"')
        return parse_string(p, &o->text);
    if (isdigit((unsigned char)*p->at) || *p->at == '.')
        return parse_number(p, o);
    if (name_length(p))
        return parse_attribute(p, o);
    return expected(p, "an attribute, a number or a string");
}

/* --- comparisons --------------------------------------------------------- */

static const char *const compare_symbols[] = {"==", "!=", "<=", ">=", "<", ">"};

static int parse_compare_op(struct parser *p, enum compare *op)
{
    skip_blanks(p);
    for (int i = 0; i < 6; i++)
        if (take(p, compare_symbols[i])) {
            *op = (enum compare)i;
            return 0;
        }
    return expected(p, "== != < <= > or >=");
}

/* 1 < x is x > 1 */
static enum compare mirror(enum compare op)
{
    static const enum compare mirrored[] = {C_EQ, C_NE, C_GE, C_LE, C_GT, C_LT};

    return mirrored[op];
}

static const char *type_name(enum value_type type)
{
    static const char *const names[] = {"a text", "a number", "a size",
                                        "a duration"};
    return names[type];
}

static int check_types(struct parser *p, int attribute,
                       const struct operand *value, enum compare op)
{
    enum value_type want = expr_attributes[attribute].type;

    if (want != value->type &&
        !(want != TYPE_TEXT && value->type == TYPE_NUMBER))
        return ckpt_err_set(p->err, EINVAL,
                            "column %d: %s is %s and is compared with %s",
                            value->column, expr_attributes[attribute].name,
                            type_name(want), type_name(value->type));
    if (want == TYPE_TEXT && op != C_EQ && op != C_NE)
        return wrong_at(p, value->column, "texts have only == and !=");
    return 0;
}

static int parse_compare(struct parser *p)
{
    struct operand a, b;
    enum compare op = C_EQ;

    if (parse_operand(p, &a) || parse_compare_op(p, &op) ||
        parse_operand(p, &b))
        return -1;
    if (a.attribute < 0 && b.attribute >= 0) {
        struct operand swap = a;
        a = b;
        b = swap;
        op = mirror(op);
    } else if (a.attribute < 0 || b.attribute >= 0) {
        return wrong_at(p, a.column,
                        "one side must be an attribute, the other a constant");
    }
    if (check_types(p, a.attribute, &b, op))
        return -1;
    if (!b.has_unit)
        b.number *= expr_attributes[a.attribute].unit;
    return node_add(p, (struct node){.kind = N_COMPARE,
                                     .attribute = a.attribute,
                                     .op = op,
                                     .number = b.number,
                                     .text = b.text});
}

/* --- structure ----------------------------------------------------------- */

static int parse_or(struct parser *p);

static int parse_has(struct parser *p)
{
    struct node node = {.kind = N_HAS};

    if (!take(p, "("))
        return expected(p, "(");
    skip_blanks(p);
    if (*p->at != '"')
        return expected(p, "a feature in quotes");
    if (parse_string(p, &node.text))
        return -1;
    if (!take(p, ")"))
        return expected(p, ")");
    return node_add(p, node);
}

static int parse_primary(struct parser *p)
{
    int inner;

    if (take_word(p, "true"))
        return node_add(p, (struct node){.kind = N_CONST, .truth = true});
    if (take_word(p, "false"))
        return node_add(p, (struct node){.kind = N_CONST, .truth = false});
    if (take_word(p, "has"))
        return parse_has(p);
    if (!take(p, "("))
        return parse_compare(p);
    inner = parse_or(p);
    if (inner >= 0 && !take(p, ")"))
        return expected(p, ")");
    return inner;
}

static int parse_not(struct parser *p)
{
    int inner;

    skip_blanks(p);
    if (++p->depth > EXPR_DEPTH_MAX)
        return wrong_at(p, column(p), "nested too deeply");
    if (p->at[0] == '!' && p->at[1] != '=') {
        p->at++;
        inner = parse_not(p);
        if (inner >= 0)
            inner = node_add(p, (struct node){.kind = N_NOT, .left = inner});
    } else {
        inner = parse_primary(p);
    }
    p->depth--;
    return inner;
}

static int parse_chain(struct parser *p, const char *symbol,
                       enum node_kind kind, int (*part)(struct parser *))
{
    int left = part(p);

    while (left >= 0 && take(p, symbol)) {
        int right = part(p);
        if (right < 0)
            return -1;
        left = node_add(
            p, (struct node){.kind = kind, .left = left, .right = right});
    }
    return left;
}

static int parse_and(struct parser *p)
{
    return parse_chain(p, "&&", N_AND, parse_not);
}

static int parse_or(struct parser *p)
{
    return parse_chain(p, "||", N_OR, parse_and);
}

struct expr *expr_parse(const char *text, struct ckpt_err *err)
{
    struct expr *expr = calloc(1, sizeof *expr);
    struct parser p = {.text = text, .at = text, .expr = expr, .err = err};

    if (expr)
        expr->copy = malloc(strlen(text) + 1);
    if (!expr || !expr->copy) {
        expr_free(expr);
        ckpt_err_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    expr->root = parse_or(&p);
    skip_blanks(&p);
    if (expr->root >= 0 && *p.at)
        expr->root = expected(&p, "&& or ||");
    if (expr->root < 0) {
        expr_free(expr);
        errno = EINVAL;
        return NULL;
    }
    return expr;
}
