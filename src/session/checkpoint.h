/* Checkpoints: the session's state in a folder, so that one that was killed can be gone on with. Numbered .celda files
 * (FORMAT.md) of what changed since the ones before, written on a thread of their own; the newest whole one stays. */
#ifndef SESSION_CHECKPOINT_H
#define SESSION_CHECKPOINT_H

#include "session/session.h"

/* From now on checkpoints go to `folder`, which the first one makes if need be; those that are there are counted on
 * from, and removed as newer ones replace them. NULL: a new folder in $XDG_STATE_HOME/celda/checkpoints. Automatic ones
 * begin: see below. */
enum status session_checkpoint_start(struct session *s, const char *folder, struct err *e);
/* "" before session_checkpoint_start. */
const char *session_checkpoint_folder(const struct session *s);
/* At most one in so many seconds, between cells; 0: none but those that are asked for. At first 60. */
void session_checkpoint_every(struct session *s, double seconds);
double session_checkpoint_interval(const struct session *s);
/* Between cells, when it is time. What goes wrong is said once, on SINK_STATUS. session_run calls it. */
void session_checkpoint_tick(struct session *s);
/* One now, on the disk when this returns. `report` names what cannot be saved. */
enum status session_checkpoint_now(struct session *s, struct buf *report, struct err *e);
/* Loads the newest whole checkpoint of a folder, as session_load does. ERR_IO: there is none. */
enum status session_checkpoint_load(struct session *s, const char *folder, struct buf *report, struct err *e);

#endif
