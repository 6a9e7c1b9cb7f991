/* Files of saved sessions, for lua/celda: safetensors with checksums, whose metadata hold a manifest with a checksum of its
 * own. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/json.h"
#include "bind/internal.h"
#include "tensor/replace.h"
#include "tensor/save_job.h"

/* The manifest's text into metadata, which the caller frees. */
static json_t *metadata_of(const json_t *manifest, const char *version, struct err *e) {
    struct buf text = {0};
    char crc[9];
    json_write(manifest, 0, true, &text);
    snprintf(crc, sizeof crc, "%08lx", crc32_z(0, (const unsigned char *)buf_text(&text), text.len));
    json_t *metadata = NULL;
    if (buf_status(&text, e) == OK) {
        metadata = json_pack("{s:s, s:s, s:s, s:s}", "format", "celda", "version", version, "manifest_crc32", crc,
                             "manifest", buf_text(&text));
        if (!metadata) err_set(e, ERR_MEMORY, "no memory for the description of what is saved");
    }
    buf_free(&text);
    return metadata;
}

/* The list of {name, tensor} at `index` in a userdata that is pushed; the list holds them. Returns how many. */
static int entries(lua_State *L, int index, struct safetensors_entry **out) {
    luaL_checktype(L, index, LUA_TTABLE);
    int n = (int)lua_rawlen(L, index);
    struct safetensors_entry *entry = lua_newuserdatauv(L, sizeof *entry * (size_t)(n + 1), 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, index, i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        entry[i] = (struct safetensors_entry){.name = (char *)luaL_checkstring(L, -2),
                                              .tensor = bind_unbox(L, -1, BIND_TENSOR)};
        lua_pop(L, 3);
    }
    *out = entry;
    return n;
}

/* check_target(path): a file that is no saved session is not written over. */
static int check_target(lua_State *L) {
    struct err e = {0};
    bind_check(L, replace_check(luaL_checkstring(L, 1), FILE_SESSION, &e), &e);
    return 0;
}

/* write_archive(path, {{name, tensor}, ...}, manifest, version) */
static int write_archive(lua_State *L) {
    const char *path = luaL_checkstring(L, 1), *version = luaL_checkstring(L, 4);
    struct safetensors_entry *entry;
    struct err e = {0};
    int n = entries(L, 2, &entry);
    const json_t *manifest = bind_hold_as_json(L, 3);
    json_t *metadata = metadata_of(manifest, version, &e);
    if (metadata) safetensors_save_checked(path, entry, n, metadata, &e);
    json_decref(metadata);
    bind_check(L, e.status, &e);
    return 0;
}

/* ---- on a thread of its own ------------------------------------------------------------------------------------------ */

#define BIND_JOB "celda.save_job"

/* start_archive(path, entries, manifest, version): a job that writes it while Lua goes on. */
static int start_archive(lua_State *L) {
    const char *path = luaL_checkstring(L, 1), *version = luaL_checkstring(L, 4);
    struct safetensors_entry *entry;
    struct err e = {0};
    int n = entries(L, 2, &entry);
    const json_t *manifest = bind_hold_as_json(L, 3);
    struct save_job **box = (struct save_job **)bind_box(L, BIND_JOB);
    json_t *metadata = metadata_of(manifest, version, &e);
    if (metadata) save_job_start(bind_run(L)->cpu, path, entry, n, metadata, box, &e);
    bind_made(L, box, e.status, &e);
    return 1;
}

/* job_done(job) */
static int job_done(lua_State *L) {
    return lua_pushboolean(L, save_job_done(bind_unbox(L, 1, BIND_JOB))), 1;
}

/* finish_job(job): waits until the file is on the disk; its error is raised. */
static int finish_job(lua_State *L) {
    struct err e = {0};
    bind_check(L, save_job_finish(bind_take(L, BIND_JOB), &e), &e);
    return 0;
}

static int release_job(lua_State *L) {
    save_job_finish(bind_take(L, BIND_JOB), &(struct err){0});
    return 0;
}

/* storage_state(t): numbers that are the same as long as the bytes of t's storage are. */
static int storage_state(lua_State *L) {
    const struct storage *s = ((struct tensor *)bind_unbox(L, 1, BIND_TENSOR))->storage;
    lua_pushinteger(L, (lua_Integer)s->id);
    lua_pushinteger(L, (lua_Integer)atomic_load(&s->version));
    return 2;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

#define BIND_ARCHIVE "celda.archive"

static int release(lua_State *L) {
    struct safetensors *s = luaL_testudata(L, 1, BIND_ARCHIVE);
    if (s) safetensors_free(s);
    return 0;
}

/* The manifest's text, once its checksum was found right; NULL with the error set. */
static const char *manifest_text(const json_t *metadata, struct err *e) {
    const char *text = json_string_value(json_object_get(metadata, "manifest"));
    const char *expected = json_string_value(json_object_get(metadata, "manifest_crc32"));
    char crc[9];
    if (!text || !expected) {
        err_set(e, ERR_IO, "it has no description of a session");
        return NULL;
    }
    snprintf(crc, sizeof crc, "%08lx", crc32_z(0, (const unsigned char *)text, strlen(text)));
    if (strcmp(crc, expected) == 0) return text;
    err_set(e, ERR_IO, "its description of the session is damaged");
    return NULL;
}

/* Pushes two tables: tensors by name, and why there is none by the name of those that are lost. */
static void push_tensors(lua_State *L, const struct safetensors *s) {
    lua_createtable(L, 0, s->count);
    lua_newtable(L);
    for (int i = 0; i < s->count; i++) {
        if (s->entry[i].tensor)
            bind_push_shared(L, s->entry[i].tensor);
        else
            lua_pushstring(L, s->entry[i].lost);
        lua_setfield(L, s->entry[i].tensor ? -3 : -2, s->entry[i].name);
    }
}

/* read_archive(path): metadata, tensors by name on the runtime device, and what is wrong with those that are not there. */
static int read_archive(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct err e = {0};
    struct safetensors *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (struct safetensors){0};
    luaL_setmetatable(L, BIND_ARCHIVE);
    bind_check(L, safetensors_salvage(bind_run(L)->device, path, s, &e), &e);
    bind_push_json(L, s->metadata);
    push_tensors(L, s);
    return 3;
}

/* read_manifest(metadata) */
static int read_manifest(lua_State *L) {
    struct err e = {0};
    const char *text = manifest_text(bind_hold_as_json(L, 1), &e);
    json_t *manifest = text ? json_parse(text, strlen(text), &e) : NULL;
    bind_hold_json(L, manifest);
    bind_check(L, e.status, &e);
    bind_push_json(L, manifest);
    return 1;
}

void bind_open_archive(lua_State *L, int core) {
    static const luaL_Reg none[] = {{NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"check_target", check_target}, {"write_archive", write_archive}, {"start_archive", start_archive},
        {"job_done", job_done},         {"finish_job", finish_job},       {"storage_state", storage_state},
        {"read_archive", read_archive}, {"read_manifest", read_manifest}, {NULL, NULL}};
    bind_new_type(L, BIND_ARCHIVE, none, release);
    bind_new_type(L, BIND_JOB, none, release_job);
    lua_pop(L, 2);
    lua_pushvalue(L, core);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
