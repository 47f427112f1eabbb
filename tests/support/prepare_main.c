/* One picture through prepare.c: prepare_main WORDS WIDTH HEIGHT, RGB on stdin, the tensor on stdout.
   Every buffer has exactly its size, so that a sanitizer sees each byte outside. */
#include <stdio.h>
#include <stdlib.h>

#include "prepare.h"

int main(int count, char **words) {
  struct prepare prepare;
  char error[200];
  int width, height;
  unsigned char *rgb, *tensor, *scratch;
  size_t bytes;
  if (count != 4 || prepare_parse(words[1], &prepare, error, sizeof error)) return 2;
  width = atoi(words[2]);
  height = atoi(words[3]);
  bytes = (size_t)width * (size_t)height * 3;
  rgb = malloc(bytes);
  tensor = malloc(prepare_bytes(&prepare));
  scratch = malloc(prepare_scratch_bytes(&prepare, width, height));
  if (fread(rgb, 1, bytes, stdin) != bytes || prepare_run(&prepare, rgb, width, height, tensor, scratch)) return 3;
  fwrite(tensor, 1, prepare_bytes(&prepare), stdout);
  free(rgb);
  free(tensor);
  free(scratch);
  return 0;
}
