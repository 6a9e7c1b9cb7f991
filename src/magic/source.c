/* %source: the Lua source of a function; ??thing is the same. */
#include "cell/colour.h"
#include "magic/magic.h"

static void show(const struct magic_call *c, const struct buf *place, const struct buf *source) {
    const bool colour = session_sink(c->session)->colour;
    struct buf text = {0};
    buf_printf(&text, colour ? "\033[2m%s\033[0m\n" : "%s\n", buf_text(place));
    if (colour)
        cell_put_coloured(buf_text(source), source->len, &text);
    else
        buf_put(&text, buf_text(source), source->len);
    magic_print_text(c, &text);
    buf_free(&text);
}

/* Magics are written in C: their help is all there is. */
static enum status run_help(const struct magic_call *c, struct err *e) {
    struct buf line = {0};
    buf_printf(&line, "help %s", c->args);
    const enum status s = magic_run_line(c->session, c->place, buf_text(&line), "", e);
    buf_free(&line);
    return s;
}

static enum status run(const struct magic_call *c, struct err *e) {
    struct buf place = {0}, source = {0};
    if (!*c->args) return err_set(e, ERR_VALUE, "%%source wants a function: %%source keras.Sequential");
    if (*c->args == '%') return run_help(c, e);
    if (session_source(c->session, c->args, &place, &source, e) == OK) {
        if (place.len)
            show(c, &place, &source);
        else
            magic_print_text(c, &source);
    }
    buf_free(&place);
    buf_free(&source);
    return e->status;
}

const struct magic magic_source = {
    .name = "source",
    .usage = "%source THING",
    .help = "the source of a function\n??thing is the same: a function of a cell, or of celda's own Lua. ?thing "
            "explains it.",
    .run = run,
};
