/* The input: a cell of any number of lines that is being typed. Here stand functions of texts alone, which know neither
 * readline nor a terminal; keys.c and screen.c bring them together. */
#ifndef FRONT_REPL_INPUT_H
#define FRONT_REPL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* ---- what Enter means (lines.c) -------------------------------------------------------------------------------------- */

/* Whether the text is a whole cell: more text would not make it one. A %%magic is one with its first empty line. */
bool input_is_whole(const char *text, size_t n);

/* What a block's lines are indented by. */
#define INPUT_STEP "  "

/* How many blanks a line calls for that begins at byte `at` of the text and holds `rest`: one step more than the line
 * where the innermost open block or bracket begins; as many as that line if `rest` closes it ("end", "}"). */
int input_indentation(const char *text, size_t at, const char *rest);

/* Whether a word or bracket closes a block or goes on with it ("else"): a line that begins so stands further left. */
bool input_is_closer(const char *word, size_t n);

/* Whether a text ends within a quoted string. */
bool input_ends_in_string(const char *text, size_t n);

/* ---- what Tab lists (candidates.c) ----------------------------------------------------------------------------------- */

struct input_candidate {
    char *word, *note; /* note "": none */
};

/* Appends the candidates, which are sorted, on lines of the terminal: in columns, or where any has a note a line each. What
 * does not fit on so many lines is counted on the last. */
void input_list_candidates(const struct input_candidate *c, int n, int columns, int lines, struct buf *out);

/* ---- colours (paint.c) ----------------------------------------------------------------------------------------------- */

enum input_style {
    INPUT_PLAIN,
    INPUT_PROMPT,
    INPUT_MAGIC,
    INPUT_KEYWORD,
    INPUT_STRING,
    INPUT_NUMBER,
    INPUT_COMMENT,
    INPUT_WRONG,
    INPUT_MATCH, /* the bracket at the cursor, and its other one */
};

/* One style for each byte. `point`: the cursor's byte; more than n: no bracket is marked. */
void input_paint(const char *text, size_t n, size_t point, unsigned char *style);

/* ---- rows of a terminal (layout.c) ------------------------------------------------------------------------------------ */

/* What stands in one column. */
struct input_glyph {
    char text[14];       /* UTF-8 with its combining marks */
    unsigned char width; /* columns; 0: the right half of the glyph before */
    unsigned char style; /* enum input_style */
};

/* Rows of glyphs, and where the cursor is. Zero-initialise before use. */
struct input_grid {
    struct input_glyph *glyph; /* row after row */
    int columns, rows, room;   /* room: rows that there is memory for */
    int row, column;           /* of the cursor */
};

struct input_view {
    const char *prompt, *text;
    size_t n, point; /* point more than n: the cursor stays at the last character, and needs no column behind it */
    const unsigned char *style; /* of each byte; NULL: no colours, the prompt's neither */
    int margin;                 /* columns that lines after the first are indented by, for "...: " */
    int columns;
};

/* Columns of a text on one line; the locale's characters are UTF-8. */
int input_width(const char *text, size_t n);
/* The margin below a prompt so wide. */
int input_margin(int prompt, int columns);

/* Lays the input out over as many rows as it takes. On lack of memory the grid holds what fits. */
void input_layout(const struct input_view *v, struct input_grid *g);
/* Keeps `rows` rows from `first` on, among them the cursor's. */
void input_crop(struct input_grid *g, int first, int rows);
/* Appends what turns a terminal that shows `from`, its cursor there, into one that shows `to`. */
void input_update(const struct input_grid *from, const struct input_grid *to, struct buf *out);
/* How many rows lie above the cursor of a drawn grid once the window has another width: terminals break rows that are too
 * long. */
int input_rows_above(const struct input_grid *g, int columns);
void input_grid_free(struct input_grid *g);

#endif
