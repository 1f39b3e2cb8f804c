// Sixteen floats in plain C++: what kernels of several kinds compute with. Included inside an anonymous namespace after <cmath>, where `kLanes` is known.

struct Vector {
  float lane[kLanes];
};

template <class Lanes, class Operation>
inline Lanes each(Operation operation) {
  Lanes result;
  for (std::size_t i = 0; i < kLanes; ++i) result.lane[i] = operation(i);
  return result;
}

inline Vector load(const float* from) {
  return each<Vector>([&](std::size_t i) { return from[i]; });
}
inline void store(float* to, const Vector& value) {
  for (std::size_t i = 0; i < kLanes; ++i) to[i] = value.lane[i];
}
inline Vector broadcast(float value) {
  return each<Vector>([&](std::size_t) { return value; });
}
inline Vector multiply_add(const Vector& a, const Vector& b, const Vector& c) {
  return each<Vector>([&](std::size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
inline Vector add(const Vector& a, const Vector& b) {
  return each<Vector>([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
inline Vector subtract(const Vector& a, const Vector& b) {
  return each<Vector>([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
}
inline Vector multiply(const Vector& a, const Vector& b) {
  return each<Vector>([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
}
// The comparisons that x86 makes: the second operand wherever they are false, so that a NaN goes the same way.
inline Vector minimum(const Vector& a, const Vector& b) {
  return each<Vector>([&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Vector maximum(const Vector& a, const Vector& b) {
  return each<Vector>([&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Vector absolute(const Vector& a) {
  return each<Vector>([&](std::size_t i) { return std::fabs(a.lane[i]); });
}
