/* Adam in C, for `lockstep check --exec ./adam --against Adam`:  cc -O2 -o adam adam.c -lm */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
static double *w, *g, *m, *v; /* all parameters, each behind the one before */
static long size[1000], t[1000], count, total;

/* What stands behind "name": in a line; NULL if it is not there. */
static const char *after(const char *line, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\": ", name);
    const char *at = strstr(line, key);
    return at ? at + strlen(key) : NULL;
}

static void setting(const char *line, const char *name, double *value) {
    const char *at = after(line, name);
    if (at) *value = strtod(at, NULL);
}

static long numbers(const char *at, long *found) { /* reads [1, 2, 3] */
    long n = 0;
    int used;
    while (n < 1000 && sscanf(at, "%*[[, ]%ld%n", found + n, &used) == 1) at += used, n++;
    return n;
}

static void start(const char *line) {
    count = numbers(after(line, "sizes"), size);
    total = 0;
    for (long i = 0; i < count; i++) total += size[i], t[i] = 0;
    free(w), free(g), free(m), free(v);
    w = calloc(total + 1, sizeof *w), g = calloc(total + 1, sizeof *g);
    m = calloc(total + 1, sizeof *m), v = calloc(total + 1, sizeof *v);
    if (fread(w, sizeof *w, total, stdin) != (size_t)total) exit(1);
}

static void step(const char *line) {
    long given[1000], at = 0;
    numbers(after(line, "given"), given);
    for (long p = 0; p < count; at += size[p++]) {
        if (!given[p]) continue; /* a parameter without a gradient stays, and its t */
        if (fread(g + at, sizeof *g, size[p], stdin) != (size_t)size[p]) exit(1);
        t[p]++;
        for (long i = at; i < at + size[p]; i++) {
            g[i] += weight_decay * w[i];
            m[i] += (1 - beta1) * (g[i] - m[i]);
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
            double m_hat = m[i] / (1 - pow(beta1, t[p])), v_hat = v[i] / (1 - pow(beta2, t[p]));
            w[i] -= lr * m_hat / (sqrt(v_hat) + eps);
        }
    }
}

int main(void) {
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin) && !strstr(line, "\"do\": \"bye\"")) {
        if (strstr(line, "\"do\": \"hello\"")) {
            setting(line, "lr", &lr), setting(line, "beta1", &beta1), setting(line, "eps", &eps);
            setting(line, "beta2", &beta2), setting(line, "weight_decay", &weight_decay);
            printf("{\"lockstep\": 1, \"name\": \"adam.c\", \"can\": [\"scale_lr\"], \"settings\": "
                   "{\"lr\": %.17g, \"beta1\": %.17g, \"beta2\": %.17g, \"eps\": %.17g, "
                   "\"weight_decay\": %.17g}}\n", lr, beta1, beta2, eps, weight_decay);
        } else if (strstr(line, "\"do\": \"scale_lr\"")) {
            lr *= strtod(after(line, "factor"), NULL);
            printf("{}\n");
        } else if (strstr(line, "\"dtype\"") && !strstr(line, "\"float64\"")) {
            printf("{\"error\": \"it takes float64 only\"}\n");
        } else {
            strstr(line, "\"do\": \"start\"") ? start(line) : step(line);
            printf("{\"bytes\": %ld}\n", total * (long)sizeof *w);
            fwrite(w, sizeof *w, total, stdout);
        }
        fflush(stdout);
    }
    return 0;
}
