#ifndef DD2_BUILD_H
#define DD2_BUILD_H

// The commit that was built, such as "ccc821f" or "ccc821f-dirty"; empty where there was no git.
const char *dd2_commit(void);

#endif
