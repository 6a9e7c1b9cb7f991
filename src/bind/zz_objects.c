#include "bind/internal.h"
void bind_open_objects(lua_State *L) { (void)L; }
