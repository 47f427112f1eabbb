/* From a decoded picture to an artifact's input tensor; `prepare.h` describes it.

   The formulas of the resampling are those of Pillow (src/libImaging/Resample.c): a filter's support and centres,
   weights with 22 bits after the point, sums that begin with half a unit, and 8 bits between the two passes. The order
   of the passes and the way in which elongated pictures are cut are those of levit_mobile/images/preprocessing.py. */

#include "prepare_words.h"

enum {
  BITS = 22,              /* of a weight, after the point */
  ROWS = 16,              /* that the pass across takes at once */
  LANES = ROWS * 3,       /* sums that are made side by side */
  MOST_PICTURE = 1 << 24, /* px of a picture's side: Pillow keeps positions in 32-bit floats, exact up to here */
  ELONGATED = 64,         /* long side / short side beyond which only the crop's own part is resized */
  ALIGNMENT = 64          /* of each part of the scratch memory */
};

/* One direction of the resize: a part of the picture, of which a box becomes `out` pixels; `made` of them are kept. */
struct axis {
  int begin, size; /* the part, in the picture */
  float low, high; /* the box, in the part */
  int out, skipped, made;
  int border; /* black pixels of the crop before the first one that is kept */
  double support, scale, widening;
  size_t taps;  /* most weights of one pixel */
  int from, to; /* pixels of the part that are read */
};

/* Weights and where they begin, for each pixel that is kept. */
struct weights {
  int32_t *first, *count, *values;
};

size_t prepare_bytes(const struct prepare *prepare) {
  return (size_t)prepare->crop_width * (size_t)prepare->crop_height * 3 * prepare->element_bytes;
}

/* Sizes */

static double smaller(double a, double b) { return a < b ? a : b; }
static double larger(double a, double b) { return a > b ? a : b; }

/* Size after resizing. Whole numbers in doubles, which hold them exactly: 65536 px of the widest picture are 2^40. */
static void resized(const struct prepare *to, double width, double height, double size[2]) {
  double ratio;
  size[0] = to->mode == PREPARE_NONE ? width : to->width;
  size[1] = to->mode == PREPARE_NONE ? height : to->height;
  if (to->mode != PREPARE_SHORTEST) return;
  if (to->width == to->height) {
    size[0] = trunc(to->width * width / smaller(width, height));
    size[1] = trunc(to->height * height / smaller(width, height));
    return;
  }
  ratio = smaller(width / to->width, height / to->height);
  size[0] = larger(rint(width / ratio), 1);
  size[1] = larger(rint(height / ratio), 1);
}

/* Where the crop begins; below 0 where the picture is smaller. */
static double corner(double edge, int crop, int rounds_down) {
  if (rounds_down) return floor((edge - crop) / 2);
  return edge >= crop ? rint((edge - crop) / 2) : -floor((crop - edge) / 2);
}

/* What the crop keeps of one direction. */
struct kept {
  double edge, low, high; /* size after resizing; first and end of the pixels that are kept */
  int border;
};

static struct kept keep(double edge, int crop, int rounds_down) {
  double begin = corner(edge, crop, rounds_down);
  struct kept kept = {edge, larger(begin, 0), smaller(begin + crop, edge), (int)larger(-begin, 0)};
  return kept;
}

static void whole_axis(struct axis *axis, int picture, const struct kept *kept) {
  axis->begin = 0;
  axis->size = picture;
  axis->low = 0;
  axis->high = (float)picture;
  axis->out = (int)kept->edge;
  axis->skipped = (int)kept->low;
}

/* Only the part of an elongated picture that the filter can reach from the crop, in a box of 32-bit floats. */
static void part_axis(struct axis *axis, int picture, const struct kept *kept, double low, double high, double reach) {
  double begin = larger(floor(low) - reach, 0), end = smaller(ceil(high) + reach, picture);
  axis->begin = (int)begin;
  axis->size = (int)(end - begin);
  axis->low = (float)(low - begin);
  axis->high = (float)(high - begin);
  axis->out = (int)(kept->high - kept->low);
  axis->skipped = 0;
}

/* The pixels of the part that one pixel is made of. */
static void window(const struct axis *axis, int pixel, double *centre, int *first, int *count) {
  int end;
  *centre = axis->low + (axis->skipped + pixel + 0.5) * axis->scale;
  *first = (int)(*centre - axis->support + 0.5);
  if (*first < 0) *first = 0;
  end = (int)(*centre + axis->support + 0.5);
  if (end > axis->size) end = axis->size;
  *count = end > *first ? end - *first : 0;
}

static void finish_axis(struct axis *axis, const struct kept *kept, int bilinear) {
  double centre;
  int first, count;
  axis->made = (int)(kept->high - kept->low);
  axis->border = kept->border;
  axis->scale = (double)(axis->high - axis->low) / axis->out;
  axis->widening = larger(axis->scale, 1);
  axis->support = (bilinear ? 1.0 : 2.0) * axis->widening;
  axis->taps = (size_t)ceil(axis->support) * 2 + 1;
  window(axis, 0, &centre, &axis->from, &count);
  window(axis, axis->made - 1, &centre, &first, &count);
  axis->to = first + count;
}

static int lay_out_axes(const struct prepare *to, int width, int height, struct axis *across, struct axis *down) {
  double size[2], long_side = larger(width, height), short_side = smaller(width, height);
  struct kept x, y;
  if (width < 1 || height < 1 || width > MOST_PICTURE || height > MOST_PICTURE) return -1;
  resized(to, width, height, size);
  x = keep(size[0], to->crop_width, to->rounds_down);
  y = keep(size[1], to->crop_height, to->rounds_down);
  if (to->mode == PREPARE_SHORTEST && long_side > ELONGATED * short_side) {
    double step_x = width / size[0], step_y = height / size[1];
    double left = x.low * step_x, right = x.high * step_x, top = y.low * step_y, bottom = y.high * step_y;
    double shrinking = larger((right - left) / (x.high - x.low), (bottom - top) / (y.high - y.low));
    double reach = ceil(2 * larger(shrinking, 1)) + 1;
    part_axis(across, width, &x, left, right, reach);
    part_axis(down, height, &y, top, bottom, reach);
  } else {
    whole_axis(across, width, &x);
    whole_axis(down, height, &y);
  }
  finish_axis(across, &x, to->bilinear);
  finish_axis(down, &y, to->bilinear);
  return 0;
}

/* Weights */

static double cubic(double x) {
  const double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

static double weight(double x, int bilinear) {
  x = fabs(x);
  return bilinear ? (x < 1.0 ? 1.0 - x : 0.0) : cubic(x);
}

static void fill_weights(const struct axis *axis, int bilinear, const struct weights *to) {
  for (int pixel = 0; pixel < axis->made; pixel++) {
    int32_t *values = to->values + (size_t)pixel * axis->taps;
    double centre, sum = 0, step = 1.0 / axis->widening;
    int first, count;
    window(axis, pixel, &centre, &first, &count);
    for (int tap = 0; tap < count; tap++) sum += weight((tap + first - centre + 0.5) * step, bilinear);
    for (int tap = 0; tap < count; tap++) {
      double value = weight((tap + first - centre + 0.5) * step, bilinear);
      if (sum != 0.0) value /= sum;
      value = value * (1 << BITS);
      values[tap] = (int32_t)(value < 0 ? value - 0.5 : value + 0.5);
    }
    to->first[pixel] = first - axis->from;
    to->count[pixel] = count;
  }
}

/* The two passes. Both sum LANES values side by side, which compilers turn into vector instructions. */

static void weigh(const unsigned char *from, size_t stride, const int32_t *weights, int count, unsigned char *to) {
  int32_t sums[LANES];
  for (int lane = 0; lane < LANES; lane++) sums[lane] = 1 << (BITS - 1);
  for (int tap = 0; tap < count; tap++, from += stride)
    for (int lane = 0; lane < LANES; lane++) sums[lane] += weights[tap] * from[lane];
  for (int lane = 0; lane < LANES; lane++) {
    int32_t level = sums[lane] >> BITS;
    to[lane] = (unsigned char)(level < 0 ? 0 : level > 255 ? 255 : level);
  }
}

/* Rows become columns: one pixel of all ROWS beside the other. Rows that are lacking repeat the last one. */
static void turn_block(const unsigned char *rows, size_t stride, int present, int pixels, unsigned char *block) {
  for (int row = 0; row < ROWS; row++) {
    const unsigned char *from = rows + (size_t)(row < present ? row : present - 1) * stride;
    unsigned char *to = block + row * 3;
    for (int pixel = 0; pixel < pixels; pixel++, from += 3, to += LANES) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
}

static void across_block(const struct axis *axis, const struct weights *weights, const unsigned char *block,
                         int present, unsigned char *rows, size_t stride) {
  unsigned char made[LANES];
  for (int pixel = 0; pixel < axis->made; pixel++) {
    weigh(block + (size_t)weights->first[pixel] * LANES, LANES, weights->values + (size_t)pixel * axis->taps,
              weights->count[pixel], made);
    for (int row = 0; row < present; row++) memcpy(rows + (size_t)row * stride + pixel * 3, made + row * 3, 3);
  }
}

static size_t row_stride(const struct axis *across) {
  size_t bytes = (size_t)across->made * 3;
  return (bytes + LANES - 1) / LANES * LANES;
}

/* The rows that the pass down reads, resized across. */
static void make_rows(const struct axis *across, const struct axis *down, const struct weights *weights,
                      const unsigned char *rgb, int width, unsigned char *block, unsigned char *rows) {
  size_t wide = (size_t)width * 3, stride = row_stride(across);
  int end = down->to - down->from;
  const unsigned char *first = rgb + (size_t)(down->begin + down->from) * wide + (across->begin + across->from) * 3;
  for (int row = 0; row < end; row += ROWS) {
    int present = end - row < ROWS ? end - row : ROWS;
    turn_block(first + (size_t)row * wide, wide, present, across->to - across->from, block);
    across_block(across, weights, block, present, rows + (size_t)row * stride, stride);
  }
}

/* The tensor */

#define STORE(NAME, TYPE)                                                                                            \
  static void NAME(const TYPE *values, const unsigned char *row, int width, TYPE *to, size_t plane) {              \
    if (!plane)                                                                                                  \
      for (int value = 0; value < width * 3; value++) to[value] = values[row[value]];                          \
    else                                                                                                         \
      for (int colour = 0; colour < 3; colour++, to += plane)                                                  \
        for (int pixel = 0; pixel < width; pixel++) to[pixel] = values[row[pixel * 3 + colour]];             \
  }
STORE(store_one, unsigned char)
STORE(store_two, unsigned short)
STORE(store_four, unsigned int)

/* One row of the crop, in the tensor's layout and type. */
static void store(const struct prepare *to, const unsigned char *row, int number, void *tensor) {
  size_t width = (size_t)to->crop_width, plane = to->planar ? width * (size_t)to->crop_height : 0;
  size_t place = (size_t)number * width * (to->planar ? 1 : 3);
  if (to->element_bytes == 4)
    store_four(to->values.four, row, to->crop_width, (unsigned int *)tensor + place, plane);
  else if (to->element_bytes == 2)
    store_two(to->values.two, row, to->crop_width, (unsigned short *)tensor + place, plane);
  else
    store_one(to->values.one, row, to->crop_width, (unsigned char *)tensor + place, plane);
}

/* Scratch memory */

struct parts {
  struct weights across, down;
  unsigned char *block, *rows, *line, *row;
};

/* The next part of the scratch memory; without one, only its size is counted. */
static void *take(size_t *used, unsigned char *base, size_t bytes) {
  size_t place = *used;
  *used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return base ? base + place : NULL;
}

static void take_weights(size_t *used, unsigned char *base, const struct axis *axis, struct weights *to) {
  size_t each = (size_t)axis->made * sizeof(int32_t);
  to->first = take(used, base, each);
  to->count = take(used, base, each);
  to->values = take(used, base, each * axis->taps);
}

/* Where each part begins; the size of all. */
static size_t lay_out(const struct prepare *to, const struct axis *across, const struct axis *down, unsigned char *base,
                      struct parts *parts) {
  size_t used = 0;
  parts->row = take(&used, base, (size_t)to->crop_width * 3);
  if (to->mode == PREPARE_NONE) return used;
  take_weights(&used, base, across, &parts->across);
  take_weights(&used, base, down, &parts->down);
  parts->block = take(&used, base, (size_t)(across->to - across->from) * LANES);
  parts->rows = take(&used, base, (size_t)(down->to - down->from) * row_stride(across));
  parts->line = take(&used, base, row_stride(across));
  return used;
}

size_t prepare_scratch_bytes(const struct prepare *prepare, int width, int height) {
  struct axis across, down;
  struct parts parts;
  if (lay_out_axes(prepare, width, height, &across, &down)) return 0;
  return lay_out(prepare, &across, &down, NULL, &parts) + ALIGNMENT;
}

/* One row of what is kept: as it is in the picture, or resized down. */
static const unsigned char *kept_row(const struct prepare *to, const struct axis *across, const struct axis *down,
                                     const struct parts *parts, const unsigned char *rgb, int width, int number) {
  size_t stride = row_stride(across);
  const unsigned char *rows;
  if (to->mode == PREPARE_NONE)
    return rgb + ((size_t)(down->skipped + number) * (size_t)width + (size_t)across->skipped) * 3;
  rows = parts->rows + (size_t)parts->down.first[number] * stride;
  for (size_t place = 0; place < stride; place += LANES)
    weigh(rows + place, stride, parts->down.values + (size_t)number * down->taps, parts->down.count[number],
              parts->line + place);
  return parts->line;
}

int prepare_run(const struct prepare *prepare, const unsigned char *rgb, int width, int height, void *tensor,
        void *scratch) {
  struct axis across, down;
  struct parts parts;
  unsigned char *base = (unsigned char *)scratch;
  base += (ALIGNMENT - (uintptr_t)base % ALIGNMENT) % ALIGNMENT;
  if (lay_out_axes(prepare, width, height, &across, &down)) return -1;
  lay_out(prepare, &across, &down, base, &parts);
  if (prepare->mode != PREPARE_NONE) {
    fill_weights(&across, prepare->bilinear, &parts.across);
    fill_weights(&down, prepare->bilinear, &parts.down);
    make_rows(&across, &down, &parts.across, rgb, width, parts.block, parts.rows);
  }
  for (int row = 0; row < prepare->crop_height; row++) {
    int kept = row - down.border;
    memset(parts.row, 0, (size_t)prepare->crop_width * 3);
    if (kept >= 0 && kept < down.made)
      memcpy(parts.row + (size_t)across.border * 3,
                   kept_row(prepare, &across, &down, &parts, rgb, width, kept), (size_t)across.made * 3);
    store(prepare, parts.row, row, tensor);
  }
  return 0;
}
