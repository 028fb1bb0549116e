// How a PNG wants to be turned: FFmpeg before version 8 passes over its EXIF.
//
// Source: PNG, third edition, 11.3.4.5 (eXIf chunk); TIFF 6.0, section 2; tag 0x0112 of CIPA
// DC-008.
//
// Thread-safety: safe.
#pragma once

// The orientation, 1..8; 0: none is said before the pixels, or the file is no PNG.
int source_exif_png(const char *path);
