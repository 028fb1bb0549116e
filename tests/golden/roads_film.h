// Films and networks for converters on two roads: small ones that have everything in them.
//
// Thread-safety: safe on different films.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine/deep3d.h"

// A film's description; its pictures pan over one scene after another, and carry bars and a caption
// where asked.
struct film {
    int width, height;
    enum deep3d_layout layout; // DEEP3D_RGBA, or DEEP3D_PLANAR and DEEP3D_SEMI_PLANAR with 4:2:0
    int bits, shift;
    enum deep3d_transfer transfer;
    int rotation_deg;
    bool mirrored, bars, caption;
    enum deep3d_packing packing;
    bool right_first;
};

#define FILM_CUT 9 // pictures of a scene

size_t film_bytes(const struct film *film);
// Picture `index`; planes: film_bytes() of them, as out's planes point into them.
void film_draw(const struct film *film, int index, uint8_t *planes);
struct deep3d_picture film_picture(const struct film *film, uint8_t *planes);

// Writes the file of a network that answers with what it sees, exactly on each device: R, G and B
// as three levels, or the brightest of them as relative depth.
void film_network(const char *path, bool relative);
