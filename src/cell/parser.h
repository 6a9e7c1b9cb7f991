/* What the lexer, the parser and its scopes share; nobody outside cell/ includes it. Errors do not jump: the first one
 * makes the current token the end of the text for good, so that every loop of the parser ends by itself. */
#ifndef CELL_PARSER_H
#define CELL_PARSER_H

#include "cell/lua.h"

/* A token's symbol: a character stands for itself. */
enum symbol {
    SYMBOL_EOF = 256,
    SYMBOL_NAME,
    SYMBOL_NUMBER,
    SYMBOL_STRING,
    SYMBOL_IDIV,
    SYMBOL_CONCAT,
    SYMBOL_DOTS,
    SYMBOL_EQ,
    SYMBOL_GE,
    SYMBOL_LE,
    SYMBOL_NE,
    SYMBOL_SHL,
    SYMBOL_SHR,
    SYMBOL_LABEL, /* :: */
    SYMBOL_AND,   /* the keywords, in the alphabet's order */
    SYMBOL_BREAK,
    SYMBOL_DO,
    SYMBOL_ELSE,
    SYMBOL_ELSEIF,
    SYMBOL_END,
    SYMBOL_FALSE,
    SYMBOL_FOR,
    SYMBOL_FUNCTION,
    SYMBOL_GOTO,
    SYMBOL_IF,
    SYMBOL_IN,
    SYMBOL_LOCAL,
    SYMBOL_NIL,
    SYMBOL_NOT,
    SYMBOL_OR,
    SYMBOL_REPEAT,
    SYMBOL_RETURN,
    SYMBOL_THEN,
    SYMBOL_TRUE,
    SYMBOL_UNTIL,
    SYMBOL_WHILE,
};

/* "'while'", "'=='", "<eof>", "<name>", "'<\7>'": as Lua names it in messages. Writes at most `size` bytes. */
void symbol_text(int symbol, char *out, size_t size);

/* ---- lexer ----------------------------------------------------------------------------------------------------------
 */

struct lexer {
    const char *s;
    size_t n, at;
    int line;
    size_t begin;      /* of the token being read */
    char message[160]; /* what is wrong with the last token, "" when nothing is */
    bool at_end;       /* the text ends inside it */
    size_t near_end;   /* its wrong part is [begin, near_end) */
};

void lexer_init(struct lexer *x, const char *source, size_t n);
/* The next token, comments included; at the end one of symbol SYMBOL_EOF, after an error one of kind CELL_TOKEN_WRONG,
 * from which lexing cannot go on. */
void lexer_next(struct lexer *x, struct cell_token *t);

/* For the literals' file. A failure sets the message; `consumed` says how far the wrong text goes. */
int lexer_peek(const struct lexer *x, size_t ahead); /* -1 at the end */
void lexer_newline(struct lexer *x);
void lexer_fail(struct lexer *x, size_t near_end, const char *message);
void lexer_fail_at_end(struct lexer *x, const char *message);
bool lexer_string(struct lexer *x);
bool lexer_number(struct lexer *x);
/* A long string or comment whose opening bracket, of this level, stands at x->at. */
bool lexer_long(struct lexer *x, size_t level, const char *what);
/* The level of a long bracket at x->at (0: `[[`), -1: a single bracket, -2: `[=` without the second bracket. */
int lexer_long_level(const struct lexer *x);

/* ---- scopes ---------------------------------------------------------------------------------------------------------
 */

/* A name; it points into the source or at a literal. */
struct word {
    const char *s;
    size_t n;
};

struct variable {
    struct word name; /* empty: a hidden variable of a `for` */
    enum cell_attribute attribute;
    bool active; /* false between its name and the end of its statement */
};

struct label {
    struct word name; /* of a break: empty */
    int line;
    size_t active; /* variables in scope there */
};

struct block {
    struct block *outer;
    size_t variables, labels, gotos; /* how many there were at its start */
    bool loop;
};

struct function {
    struct function *outer;
    struct block *block;
    size_t variables, labels; /* how many there were at its start */
    int line;                 /* 0: the chunk itself */
    bool vararg;
};

/* One place where a name stands that no local declares. */
struct use {
    struct word name;
    int line;
    bool write;
};

/* The first thing that is wrong, if anything is. */
struct parser_error {
    enum cell_lua_status status;
    char message[sizeof((struct cell_lua *)0)->message];
    int line, column;
    size_t at; /* byte of the token that was current */
};

struct parser {
    const char *source;
    size_t size;
    struct cell_lua *out;
    struct err *err;                /* for lack of memory */
    struct lexer lexer;             /* its error, if it had one, is the parser's when it gets there */
    const struct cell_token *token; /* the current one, never a comment */
    const struct cell_token *last;  /* the one before it, NULL at the start */
    size_t next;                    /* index of the token after the current one */
    struct cell_token end;          /* the end of the text, and every token after an error */
    struct parser_error error;
    bool failed; /* a syntax error (in error) or no memory (in *err) */
    int levels;

    struct function *function;
    struct variable *variables;
    size_t variable_count;
    struct label *labels, *gotos;
    size_t label_count, goto_count;
    struct use *uses;
    size_t use_count;
};

void scope_enter_function(struct parser *p, struct function *f, struct block *b, int line);
void scope_leave_function(struct parser *p);
void scope_enter(struct parser *p, struct block *b, bool loop);
void scope_leave(struct parser *p);
bool scope_is_outermost(const struct parser *p);
/* Declares a variable, which scope_activate makes visible. */
void scope_declare(struct parser *p, struct word name, enum cell_attribute attribute);
void scope_activate(struct parser *p);
/* Looks a name up: where no variable has it, it is free and its use is noted; writing to a constant is an error. */
void scope_use(struct parser *p, struct word name, int line, bool write);
void scope_goto(struct parser *p, struct word name, int line);
/* `last`: nothing but empty statements follows in the block, so its locals count as out of scope. */
void scope_label(struct parser *p, struct word name, int line, bool last);
/* Sorts the uses into out->free_names. */
void scope_free_names(struct parser *p);

/* ---- parser ---------------------------------------------------------------------------------------------------------
 */

/* What an expression may be used for. */
enum expression {
    EXPRESSION_VALUE,
    EXPRESSION_NAME,  /* can be assigned to */
    EXPRESSION_INDEX, /* likewise */
    EXPRESSION_CALL,  /* can be a statement */
};

void parser_fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Without "near ...": an error of meaning, which more text would not mend. */
void parser_fail_meaning(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

void parser_advance(struct parser *p);
int parser_peek(const struct parser *p); /* the symbol after the current one */
bool parser_accept(struct parser *p, int symbol);
void parser_expect(struct parser *p, int symbol);
/* Expects the symbol that closes `opener`, which stands at line `line`. */
void parser_expect_closing(struct parser *p, int symbol, int opener, int line);
struct word parser_expect_name(struct parser *p);
/* False, with the error, where the text nests too deep. */
bool parser_enter_level(struct parser *p);
/* The text of the tokens from `first` to the last one taken. */
struct cell_span parser_span_from(const struct parser *p, const struct cell_token *first);
void parser_no_memory(struct parser *p);

/* The state at the start of a statement of the chunk, to come back to and read it otherwise. */
struct parser_state {
    const struct cell_token *token, *last;
    size_t next;
    struct parser_error error;
    bool failed;
    size_t variable_count, label_count, goto_count, use_count;
};
struct parser_state parser_save(const struct parser *p);
void parser_restore(struct parser *p, const struct parser_state *s);

void parse_chunk(struct parser *p);
void parse_body(struct parser *p, bool method, int line);
void parse_expression(struct parser *p);
void parse_expressions(struct parser *p);
/* Whether the current token is a binary operator. */
bool parse_at_operator(const struct parser *p);
/* What may stand left of `=` or be called. A name alone is not looked up but handed out in *name. */
enum expression parse_suffixed(struct parser *p, struct word *name);

#endif
