/* A pool of threads: each takes numbers from a range of its own, from the others' ranges when its own is used up, and
 * waits for the next loop at first awake, because it often comes within microseconds. */
#include "pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#ifdef __aarch64__
#define RELAX __asm__ volatile("yield")
#else
#define RELAX __asm__ volatile("")
#endif

enum { MOST = 256, LINE = 64, AWAKE = 20000 }; /* threads; bytes of a cache line; looks before a thread sleeps */

struct range {
  _Alignas(LINE) atomic_size_t next;
  size_t end;
};

static size_t threads = 1;
static bool started;
static struct range ranges[MOST];
static void (*task)(const void *, size_t, size_t);
static const void *context;
static atomic_size_t loops, busy; /* loops begun so far; threads that still work on the latest */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, callers = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER, finished = PTHREAD_COND_INITIALIZER;

void pool_threads(size_t count) { threads = count < 1 ? 1 : count > MOST ? MOST : count; }

size_t pool_thread_count(void) { return threads; }

static void work(size_t thread) {
  for (size_t i = 0; i < threads; i++) {
    struct range *range = &ranges[(thread + i) % threads];
    for (size_t number; (number = atomic_fetch_add(&range->next, 1)) < range->end;) task(context, thread, number);
  }
}

static bool reached(atomic_size_t *value, size_t other, bool equal) { return (atomic_load(value) == other) == equal; }

/* Until the value is `other`, or is no longer. */
static void wait_for(atomic_size_t *value, size_t other, bool equal, pthread_cond_t *signal) {
  for (int looks = 0; looks < AWAKE; looks++) {
    if (reached(value, other, equal)) return;
    RELAX;
  }
  pthread_mutex_lock(&mutex);
  while (!reached(value, other, equal)) pthread_cond_wait(signal, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void tell(pthread_cond_t *signal) {
  pthread_mutex_lock(&mutex); /* whoever is about to sleep sleeps by now */
  pthread_cond_broadcast(signal);
  pthread_mutex_unlock(&mutex);
}

static void *worker(void *number) {
  size_t thread = (size_t)number;
  for (size_t seen = 0;; seen++) {
    wait_for(&loops, seen, false, &begun);
    work(thread);
    if (atomic_fetch_sub(&busy, 1) == 1) tell(&finished);
  }
  return NULL;
}

static void start(void) {
  started = true;
  for (size_t i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, worker, (void *)i)) threads = i; /* with those that there are */
  }
}

void pool_run(void (*body)(const void *, size_t, size_t), const void *loop, size_t total) {
  if (total < 2) {
    if (total) body(loop, 0, 0);
    return;
  }
  pthread_mutex_lock(&callers);
  if (!started) start();
  task = body, context = loop;
  for (size_t i = 0; i < threads; i++) {
    atomic_store(&ranges[i].next, total * i / threads);
    ranges[i].end = total * (i + 1) / threads;
  }
  atomic_store(&busy, threads - 1);
  atomic_fetch_add(&loops, 1);
  tell(&begun);
  work(0);
  wait_for(&busy, 0, true, &finished);
  pthread_mutex_unlock(&callers);
}
