#include "dd2_build.h"

// Written by scripts/commit.sh before each build, which compiles this file anew where the commit is another.
#if __has_include("commit.inc")
#include "commit.inc"
#else
#define DD2_COMMIT ""
#endif

const char *dd2_commit(void) { return DD2_COMMIT; }
