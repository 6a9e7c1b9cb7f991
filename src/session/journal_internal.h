/* What the journal's files share: the kinds of records, and the folder. */
#ifndef SESSION_JOURNAL_INTERNAL_H
#define SESSION_JOURNAL_INTERNAL_H

#include "session/journal.h"
#include "session/journal_file.h"

/* A body is one line of JSON and then bytes, or, where `-` stands, bytes alone. Lower case: an output. */
enum journal_kind {
    JOURNAL_SESSION = 'S', /* version, time; the notebook's path, the last one's if there are several */
    JOURNAL_BEGIN = 'B',   /* name, number, time; the source */
    JOURNAL_END = 'E',     /* what journal_end wrote; the error's text */
    JOURNAL_CLOSED = 'Q',  /* the user ended the session: time */
    JOURNAL_RESUMED = 'R', /* another process went on with it: time */
    JOURNAL_OUT = 'o',     /* - */
    JOURNAL_ERR = 'e',     /* - */
    JOURNAL_STATUS = 's',  /* - */
    JOURNAL_DISPLAY = 'd', /* [[type, size], ...]; the data of each in turn */
    JOURNAL_CLEAR = 'c',
};

/* journal_play, which also fills notebook, clean and torn. */
enum status journal_play_info(const char *path, const struct journal_player *p, struct journal_info *info,
                              struct err *e);
/* A path for a new journal of `notebook`, in the folder, which is made. */
enum status journal_new_path(const char *notebook, char *path, size_t size, struct err *e);
/* The folder of checkpoints that belongs to the journal of that path; "" where its path would be too long. */
void journal_folder_of(const char *path, char *folder, size_t size);
void journal_remove_folder(const char *folder);
/* Removes the oldest journals that are too many or too large in all, but none whose session runs. */
void journal_prune(void);

#endif
