/* From a decoded picture, RGB with 8 bits per channel, to an artifact's input tensor.

   Every byte is that of `levit_mobile.images.preprocessing.preprocess` followed by `runners.adapters.adapted`: Pillow's
   antialiased resampling in fixed point, across before down, then the centre crop, the layout and the type. The
   caller gives all memory, so that nothing is allocated while a run is timed.

   The words, each once and in any order, separated by spaces:

     resize=shortest:WIDTHxHEIGHT | squash:WIDTHxHEIGHT | none
     crop=WIDTHxHEIGHT             one number stands for a square, here and in `resize`
     rounding=half-even | down     where the crop begins if half a pixel is left over
     interpolation=bicubic | bilinear
     layout=NCHW | NHWC            the order of the values in memory
     dtype=float32 | float16 | int8 | uint8
     range=LOW:HIGH                the real values of a black and a full pixel
     scale=NUMBER zero_point=INTEGER   for int8 and uint8, and only for them

   An input of shape NCHW whose channels are innermost in memory is NHWC here. */

#ifndef LEVIT_MOBILE_PREPARE_H
#define LEVIT_MOBILE_PREPARE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum prepare_mode { PREPARE_SHORTEST, PREPARE_SQUASH, PREPARE_NONE };

struct prepare {
  enum prepare_mode mode;
  int width, height;           /* what the mode resizes to, in px */
  int crop_width, crop_height; /* the part from the centre that the artifact takes, in px */
  int rounds_down;             /* 0: half a pixel is rounded to an even number */
  int bilinear;                /* 0: bicubic */
  int planar;                  /* 1: NCHW in memory, 0: NHWC */
  size_t element_bytes;        /* of one value of the tensor */
  union {
    unsigned char one[256];
    unsigned short two[256];
    unsigned int four[256];
  } values; /* what each level 0..255 is in the tensor, bit by bit */
};

/* Read the words. 0, or -1 with one plain sentence in `error`. */
int prepare_parse(const char *words, struct prepare *prepare, char *error, size_t size);

/* Size of the tensor. */
size_t prepare_bytes(const struct prepare *prepare);

/* Size of the scratch memory for a picture of this size; 0 for a size that cannot be prepared. */
size_t prepare_scratch_bytes(const struct prepare *prepare, int width, int height);

/* Fill the tensor from `width * height * 3` bytes. `scratch` has prepare_scratch_bytes and any alignment. 0, or -1 for
   a size that cannot be prepared. */
int prepare_run(const struct prepare *prepare, const unsigned char *rgb, int width, int height, void *tensor,
        void *scratch);

#ifdef __cplusplus
}
#endif

#endif
