#include "front/front.h"
int front_repl(const char *p){(void)p;return front_fail("no repl");}
