#include "bind/internal.h"
void bind_open_files(lua_State *L) { (void)L; }
