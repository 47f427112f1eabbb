/* The threads behind the loops of pthreadpool that standins.py writes. */
#ifndef LEVIT_MOBILE_POOL_H
#define LEVIT_MOBILE_POOL_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
void pool_threads(size_t count);      /* how many there are, before the first loop; 1 unless this is called */
size_t pool_thread_count(void);
/* Call `body` for every number below `total`, on all threads, with the number of the thread. */
void pool_run(void (*body)(const void *loop, size_t thread, size_t number), const void *loop, size_t total);
#ifdef __cplusplus
}
#endif
#endif
