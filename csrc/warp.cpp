#include "warp.hpp"

#include <algorithm>
#include <memory>

#include "parallel.hpp"
#include "pool.hpp"

namespace latentpress::warp {
namespace {

constexpr std::size_t kLanes = 4;  // floats of a pixel: its channels, and one that is not used
constexpr std::size_t kBand = 32;  // rows that a thread works through at once

/// Memory for so many floats.
class Floats {
 public:
  explicit Floats(std::size_t count) : count_(count), values_(new float[count]) {}
  const std::size_t& key() const { return count_; }
  std::size_t bytes() const { return sizeof(float) * count_; }
  float* values() { return values_.get(); }

 private:
  std::size_t count_;
  std::unique_ptr<float[]> values_;
};

/// Pixels side by side, so that one load takes all channels.
struct Picture {
  Picture(Size of) : size(of), memory(of.height * of.width * kLanes) {}
  float* row(std::size_t y) { return memory->values() + y * size.width * kLanes; }
  const float* row(std::size_t y) const { return memory->values() + y * size.width * kLanes; }
  std::size_t row_length() const { return size.width * kLanes; }

  Size size;
  Lease<Floats> memory;
};

template <class Work>
void for_bands(std::size_t height, std::size_t threads, Work work) {
  parallel_for((height + kBand - 1) / kBand, threads,
               [&](std::size_t i) { work(i * kBand, std::min(height, (i + 1) * kBand)); });
}

/// Row `y + offset`, or the nearest one that there is.
std::size_t nearest(std::size_t y, std::ptrdiff_t offset, std::size_t height) {
  const std::ptrdiff_t wanted = static_cast<std::ptrdiff_t>(y) + offset;
  return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(wanted, 0, static_cast<std::ptrdiff_t>(height) - 1));
}

Picture interleaved(const float* frame, Size size, std::size_t threads) {
  Picture picture(size);
  const std::size_t pixels = size.height * size.width;
  for_bands(size.height, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t y = first; y < last; ++y) {
      const float* from = frame + y * size.width;
      float* to = picture.row(y);
      for (std::size_t x = 0; x < size.width; ++x, to += kLanes) {
        for (std::size_t c = 0; c < kChannels; ++c) to[c] = from[c * pixels + x];
        to[kChannels] = 0.0f;
      }
    }
  });
  return picture;
}

/// sums += factor * values, element by element.
void add_scaled(float* sums, const float* values, float factor, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += factor * values[i];
}

/// One row blurred along itself; `padded` has room for the row and a kernel's reach on either side.
void blur_row(const float* from, std::size_t width, const std::vector<float>& taps, float* padded, float* to) {
  const std::size_t reach = taps.size() / 2, length = width * kLanes;
  std::copy_n(from, length, padded + reach * kLanes);
  for (std::size_t i = 0; i < reach; ++i) {
    std::copy_n(from, kLanes, padded + i * kLanes);
    std::copy_n(from + length - kLanes, kLanes, padded + (reach + width + i) * kLanes);
  }
  std::fill_n(to, length, 0.0f);
  for (std::size_t t = 0; t < taps.size(); ++t) add_scaled(to, padded + t * kLanes, taps[t], length);
}

Picture blurred(const Picture& in, const std::vector<float>& taps, std::size_t threads) {
  Picture out(in.size);
  const auto reach = static_cast<std::ptrdiff_t>(taps.size() / 2);
  const std::size_t length = in.row_length();
  for_bands(in.size.height, threads, [&](std::size_t first, std::size_t last) {
    const std::size_t rows = last - first + taps.size() - 1;
    std::vector<float> across(rows * length), padded(length + taps.size() * kLanes);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t y = nearest(first, static_cast<std::ptrdiff_t>(i) - reach, in.size.height);
      blur_row(in.row(y), in.size.width, taps, padded.data(), across.data() + i * length);
    }
    for (std::size_t y = first; y < last; ++y) {
      std::fill_n(out.row(y), length, 0.0f);
      for (std::size_t t = 0; t < taps.size(); ++t)
        add_scaled(out.row(y), across.data() + (y - first + t) * length, taps[t], length);
    }
  });
  return out;
}

/// Averages of two by two pixels.
Picture halved(const Picture& in, std::size_t threads) {
  Picture out({in.size.height / 2, in.size.width / 2});
  for_bands(out.size.height, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t y = first; y < last; ++y) {
      const float *above = in.row(2 * y), *below = in.row(2 * y + 1);
      float* to = out.row(y);
      for (std::size_t x = 0; x < out.size.width; ++x, above += 2 * kLanes, below += 2 * kLanes, to += kLanes)
        for (std::size_t c = 0; c < kLanes; ++c)
          to[c] = 0.25f * (above[c] + above[kLanes + c] + below[c] + below[kLanes + c]);
    }
  });
  return out;
}

/// Twice the size: each new pixel lies a quarter of the way from its old one to a neighbour, along both axes.
Picture doubled(const Picture& in, std::size_t threads) {
  Picture out({2 * in.size.height, 2 * in.size.width});
  const std::size_t length = in.row_length(), width = in.size.width;
  for_bands(out.size.height, threads, [&](std::size_t first, std::size_t last) {
    std::vector<float> mixed(length + 2 * kLanes);
    for (std::size_t y = first; y < last; ++y) {
      const float* near = in.row(y / 2);
      const float* far = in.row(nearest(y / 2, y % 2 == 0 ? -1 : 1, in.size.height));
      float* middle = mixed.data() + kLanes;
      for (std::size_t i = 0; i < length; ++i) middle[i] = 0.75f * near[i] + 0.25f * far[i];
      std::copy_n(middle, kLanes, mixed.data());
      std::copy_n(middle + length - kLanes, kLanes, middle + length);
      float* to = out.row(y);
      for (std::size_t x = 0; x < width; ++x, middle += kLanes, to += 2 * kLanes)
        for (std::size_t c = 0; c < kLanes; ++c) {
          const float here = 0.75f * middle[c];
          to[c] = here + 0.25f * middle[c - kLanes];
          to[kLanes + c] = here + 0.25f * middle[c + kLanes];
        }
    }
  });
  return out;
}

/// The slices of the scale space at full size, the frame itself first.
std::vector<Picture> scale_space(const float* frame, Size size, const Blurs& blurs, std::size_t threads) {
  std::vector<Picture> slices;
  slices.push_back(interleaved(frame, size, threads));
  Picture level = blurred(slices[0], blurs.taps, threads);
  for (std::size_t i = 1; i < blurs.levels; ++i) {
    Picture next = blurred(halved(level, threads), blurs.taps, threads);
    // The level that is left behind is brought up to full size.
    for (std::size_t up = 1; up < i; ++up) level = doubled(level, threads);
    slices.push_back(std::move(level));
    level = std::move(next);
  }
  for (std::size_t up = 1; up < blurs.levels; ++up) level = doubled(level, threads);
  slices.push_back(std::move(level));
  return slices;
}

/// A coordinate between two neighbours of an axis.
struct Place {
  std::size_t low, high;
  float towards_high;
};

Place place(float position, std::size_t count) {
  const float end = static_cast<float>(count - 1);
  float inside = position > 0.0f ? position : 0.0f;  // false for what is not a number
  inside = inside < end ? inside : end;
  const auto low = static_cast<std::size_t>(inside);
  return {low, std::min(low + 1, count - 1), inside - static_cast<float>(low)};
}

// Coordinates go through the same roundings as where they are normalised to [-1, 1] from edge to edge.

float own_place(std::size_t x, std::size_t count) {
  return static_cast<float>((2.0 * static_cast<double>(x) + 1.0) / static_cast<double>(count) - 1.0);
}

float unnormalised(float coordinate, std::size_t count) {
  return ((coordinate + 1.0f) * static_cast<float>(count) - 1.0f) / 2.0f;
}

struct Pixel {
  float lane[kLanes];
};

Pixel mixed(const float* a, const float* b, float towards_b) {
  Pixel result;
  for (std::size_t c = 0; c < kLanes; ++c) result.lane[c] = a[c] + towards_b * (b[c] - a[c]);
  return result;
}

Pixel sampled(const Picture& picture, const Place& y, const Place& x) {
  const float *above = picture.row(y.low), *below = picture.row(y.high);
  const Pixel top = mixed(above + x.low * kLanes, above + x.high * kLanes, x.towards_high);
  const Pixel bottom = mixed(below + x.low * kLanes, below + x.high * kLanes, x.towards_high);
  return mixed(top.lane, bottom.lane, y.towards_high);
}

}  // namespace

void warp(const float* frame, const float* motion, Size size, const Blurs& blurs, float* out, std::size_t threads) {
  const std::vector<Picture> slices = scale_space(frame, size, blurs, threads);
  const std::size_t pixels = size.height * size.width;
  for_bands(size.height, threads, [&](std::size_t first, std::size_t last) {
    for (std::size_t y = first; y < last; ++y)
      for (std::size_t x = 0, at = y * size.width; x < size.width; ++x, ++at) {
        const Place across = place(unnormalised(own_place(x, size.width) + motion[at], size.width), size.width);
        const Place down = place(unnormalised(own_place(y, size.height) + motion[pixels + at], size.height), size.height);
        const Place blur = place(unnormalised(motion[2 * pixels + at], slices.size()), slices.size());
        const Pixel sharp = sampled(slices[blur.low], down, across);
        const Pixel soft = sampled(slices[blur.high], down, across);
        const Pixel result = mixed(sharp.lane, soft.lane, blur.towards_high);
        for (std::size_t c = 0; c < kChannels; ++c) out[c * pixels + at] = result.lane[c];
      }
  });
}

}  // namespace latentpress::warp
