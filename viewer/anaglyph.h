// Both eyes in one picture for red-cyan glasses, mixed in linear light.
//
// E. Dubois, "A projection method to generate anaglyph stereo images", ICASSP 2001.
//
// Thread-safety: safe once created.
#pragma once

struct anaglyph;
struct deep3d_eyes;

// bits: a sample of the eyes and of what is drawn: 0, 8; 16. Never returns NULL.
struct anaglyph *anaglyph_create(int bits);
// Accepts a pointer to NULL; sets it to NULL.
void anaglyph_destroy(struct anaglyph **anaglyph);
// Fills out->pixels[0], of out's size, from eyes at least as large. The fourth sample of a pixel
// stays as it is. Uses all cores.
void anaglyph_draw(const struct anaglyph *anaglyph, const struct deep3d_eyes *eyes,
                   const struct deep3d_eyes *out);
