// The loops of minimal_kernels.hpp for any kind of lanes. Included inside an anonymous namespace after one of the lanes.

/// Four frequencies of three taps.
inline void three_taps_in(const Vector& a, const Vector& b, const Vector& c, const Vector& d, Vector* to) {
  to[0] = subtract(a, c);
  to[1] = add(b, c);
  to[2] = subtract(c, b);
  to[3] = subtract(b, d);
}

inline void three_taps_out(const Vector* from, Vector& first, Vector& second) {
  first = add(add(from[0], from[1]), from[2]);
  second = subtract(subtract(from[1], from[2]), from[3]);
}

/// Three frequencies of two taps.
inline void two_taps_in(const Vector& a, const Vector& b, const Vector& c, Vector* to) {
  to[0] = subtract(a, b);
  to[1] = b;
  to[2] = subtract(c, b);
}

inline void two_taps_out(const Vector* from, Vector& first, Vector& second) {
  first = add(from[0], from[1]);
  second = add(from[1], from[2]);
}

struct Down {
  static constexpr std::size_t kInputs = 7, kFrequencies = 7, kOutputs = 2;
  static void in(const Vector* x, Vector* to) {
    three_taps_in(x[0], x[2], x[4], x[6], to);
    two_taps_in(x[1], x[3], x[5], to + 4);
  }
  static void out(const Vector* from, Vector* to) {
    Vector first, second;
    three_taps_out(from, to[0], to[1]);
    two_taps_out(from + 4, first, second);
    to[0] = add(to[0], first);
    to[1] = add(to[1], second);
  }
};

struct Up {
  static constexpr std::size_t kInputs = 4, kFrequencies = 7, kOutputs = 4;
  static void in(const Vector* x, Vector* to) {
    three_taps_in(x[0], x[1], x[2], x[3], to);
    two_taps_in(x[1], x[2], x[3], to + 4);
  }
  static void out(const Vector* from, Vector* to) {
    three_taps_out(from, to[0], to[2]);
    two_taps_out(from + 4, to[1], to[3]);
  }
};

struct Phases {
  static constexpr std::size_t kInputs = 4, kFrequencies = 4, kOutputs = 2;
  static void in(const Vector* x, Vector* to) { three_taps_in(x[0], x[1], x[2], x[3], to); }
  static void out(const Vector* from, Vector* to) { three_taps_out(from, to[0], to[1]); }
};

template <class Axis>
void tile_in(const TileIn& job) {
  constexpr std::size_t n = Axis::kInputs, f = Axis::kFrequencies;
  for (std::size_t c = 0; c < job.channels; c += kLanes) {
    Vector across[f][n];  // of each row, its frequencies
    for (std::size_t y = 0; y < n; ++y) {
      Vector row[n], found[f];
      for (std::size_t x = 0; x < n; ++x) row[x] = load(job.in + y * job.row_stride + x * job.channels + c);
      Axis::in(row, found);
      for (std::size_t i = 0; i < f; ++i) across[i][y] = found[i];
    }
    for (std::size_t i = 0; i < f; ++i) {
      Vector found[f];
      Axis::in(across[i], found);
      for (std::size_t j = 0; j < f; ++j) store(job.out + (j * f + i) * job.frequency_stride + c, found[j]);
    }
  }
}

template <class Axis>
void tile_out(const TileOut& job) {
  constexpr std::size_t n = Axis::kOutputs, f = Axis::kFrequencies;
  for (std::size_t c = 0; c < kPanel; c += kLanes) {
    const Vector bias = load(job.bias + c), zero = broadcast(0.0f);
    Vector across[n][f];
    for (std::size_t j = 0; j < f; ++j) {
      Vector row[f], found[n];
      for (std::size_t i = 0; i < f; ++i) row[i] = load(job.in + (j * f + i) * job.frequency_stride + c);
      Axis::out(row, found);
      for (std::size_t x = 0; x < n; ++x) across[x][j] = found[x];
    }
    for (std::size_t x = 0; x < n; ++x) {
      Vector found[n];
      Axis::out(across[x], found);
      for (std::size_t y = 0; y < n; ++y) {
        const Vector value = add(found[y], bias);
        store(job.out + (y * n + x) * kPanel + c, job.relu ? maximum(value, zero) : value);
      }
    }
  }
}

void transform_in(Scheme scheme, const TileIn& job) {
  if (scheme == Scheme::kDown) return tile_in<Down>(job);
  if (scheme == Scheme::kUp) return tile_in<Up>(job);
  tile_in<Phases>(job);
}

void transform_out(Scheme scheme, const TileOut& job) {
  if (scheme == Scheme::kDown) return tile_out<Down>(job);
  if (scheme == Scheme::kUp) return tile_out<Up>(job);
  tile_out<Phases>(job);
}
