// Where the network's file is.
#pragma once

// The file asked for, or else the one that ships: beside the installed program, or in the source
// tree that it was built from. A new string, mem_free() it. NULL, logged with the places looked at:
// there is none.
char *model_path(const char *asked);
