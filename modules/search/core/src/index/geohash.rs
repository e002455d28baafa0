//! Places on a curve, as Redis numbers them.
//!
//! Longitude and latitude are 26 bits each, latitude in the even places: cells of less than a metre.
//! The cells that begin with the same bits form a rectangle, so a circle is a few runs of numbers.

use super::Place;

/// Bits of each coordinate.
const BITS: u32 = 26;
/// Latitudes go to where the square map ends.
pub(super) const LATITUDE_MAX: f64 = 85.051_128_78;
const LONGITUDE_MAX: f64 = 180.0;
/// The radius of the earth in metres, as Redis has it.
const EARTH: f64 = 6_372_797.560_856;
/// How many rectangles a circle is covered by at most.
const CELLS_MAX: u64 = 32;
/// Degrees around a circle, so that a cell whose centre is inside is not missed.
const MARGIN: f64 = 1e-4;

/// The number of the cell of a place; `None` if the place is not on the map.
pub(super) fn cell(place: Place) -> Option<u64> {
    let on_map = place.longitude.abs() <= LONGITUDE_MAX && place.latitude.abs() <= LATITUDE_MAX;
    on_map.then(|| {
        let x = step(place.longitude, LONGITUDE_MAX);
        spread(step(place.latitude, LATITUDE_MAX)) | spread(x) << 1
    })
}

/// The centre of a cell.
pub(super) fn centre(cell: u64) -> Place {
    Place {
        longitude: middle(gather(cell >> 1), LONGITUDE_MAX),
        latitude: middle(gather(cell), LATITUDE_MAX),
    }
}

/// Metres between two places (haversine).
pub(super) fn distance(one: Place, other: Place) -> f64 {
    let (from, to) = (one.latitude.to_radians(), other.latitude.to_radians());
    let u = ((to - from) / 2.0).sin();
    let v = ((other.longitude.to_radians() - one.longitude.to_radians()) / 2.0).sin();
    2.0 * EARTH * (u * u + from.cos() * to.cos() * v * v).min(1.0).sqrt().asin()
}

/// Runs of cells, ends included, that hold all places up to `metres` from `centre`, in order.
pub(super) fn cover(centre: Place, metres: f64) -> Vec<(u64, u64)> {
    let angle = metres / EARTH;
    let height = angle.to_degrees() + MARGIN;
    let (south, north) = (centre.latitude - height, centre.latitude + height);
    let width = width(centre.latitude, angle);
    let mut runs = Vec::new();
    for (west, east) in meridians(centre.longitude, width) {
        rectangle((west, east), (south, north), &mut runs);
    }
    runs.sort_unstable();
    merged(&runs)
}

/// Degrees of longitude a circle reaches to either side: all around, if there is a pole in it.
fn width(latitude: f64, angle: f64) -> f64 {
    let reach = latitude.abs().to_radians() + angle;
    if reach.is_nan() || reach + 1e-6 >= std::f64::consts::FRAC_PI_2 {
        return LONGITUDE_MAX;
    }
    (angle.sin() / latitude.to_radians().cos()).asin().to_degrees() + MARGIN
}

/// The longitudes around one, as one or two intervals of the map.
fn meridians(centre: f64, width: f64) -> Vec<(f64, f64)> {
    const ROUND: f64 = 2.0 * LONGITUDE_MAX;
    let (west, east) = (centre - width, centre + width);
    if width >= LONGITUDE_MAX {
        vec![(-LONGITUDE_MAX, LONGITUDE_MAX)]
    } else if west < -LONGITUDE_MAX {
        vec![(-LONGITUDE_MAX, east), (west + ROUND, LONGITUDE_MAX)]
    } else if east > LONGITUDE_MAX {
        vec![(west, LONGITUDE_MAX), (-LONGITUDE_MAX, east - ROUND)]
    } else {
        vec![(west, east)]
    }
}

/// Adds the runs of the cells in a rectangle, coarse enough that they are few.
fn rectangle(longitudes: (f64, f64), latitudes: (f64, f64), runs: &mut Vec<(u64, u64)>) {
    let x = (step(longitudes.0, LONGITUDE_MAX), step(longitudes.1, LONGITUDE_MAX));
    let y = (step(latitudes.0, LATITUDE_MAX), step(latitudes.1, LATITUDE_MAX));
    let count = |shift: u32| {
        let span = |(from, to): (u64, u64)| (to >> shift) - (from >> shift) + 1;
        span(x).saturating_mul(span(y))
    };
    let shift = (0..=BITS).find(|shift| count(*shift) <= CELLS_MAX).unwrap_or(BITS);
    for row in y.0 >> shift..=y.1 >> shift {
        for column in x.0 >> shift..=x.1 >> shift {
            let prefix = spread(row) | spread(column) << 1;
            let first = prefix << (2 * shift);
            runs.push((first, first + ((1 << (2 * shift)) - 1)));
        }
    }
}

fn merged(runs: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for run in runs {
        match merged.last_mut() {
            Some(last) if run.0 <= last.1.saturating_add(1) => last.1 = last.1.max(run.1),
            _ => merged.push(*run),
        }
    }
    merged
}

/// The interval of a coordinate, of 2^26 from -max to max; the last one at and behind the end.
fn step(coordinate: f64, max: f64) -> u64 {
    const LAST: u64 = (1 << BITS) - 1;
    let share = (coordinate + max) / (2.0 * max) * (1_u64 << BITS) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and what is too great is cut"
    )]
    let step = share as u64;
    step.min(LAST)
}

fn middle(step: u64, max: f64) -> f64 {
    (step as f64 + 0.5) / (1_u64 << BITS) as f64 * (2.0 * max) - max
}

/// The lower 32 bits, each at twice its place.
const fn spread(bits: u64) -> u64 {
    let bits = bits & 0xFFFF_FFFF;
    let bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF;
    let bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF;
    let bits = (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    let bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// The bits in even places, next to each other.
const fn gather(bits: u64) -> u64 {
    let bits = bits & 0x5555_5555_5555_5555;
    let bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    let bits = (bits | bits >> 2) & 0x0F0F_0F0F_0F0F_0F0F;
    let bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF;
    let bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF;
    (bits | bits >> 16) & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Place = Place { longitude: 13.361_389, latitude: 38.115_556 };
    const CATANIA: Place = Place { longitude: 15.087_269, latitude: 37.502_669 };

    #[test]
    fn cells_are_those_of_redis() {
        // ZSCORE of GEOADD's documented example.
        assert_eq!(cell(PALERMO), Some(3_479_099_956_230_698));
        assert_eq!(cell(CATANIA), Some(3_479_447_370_796_909));
        assert_eq!(cell(Place { longitude: 0.0, latitude: 86.0 }), None);
        assert_eq!(cell(Place { longitude: f64::NAN, latitude: 0.0 }), None);
        assert!(distance(PALERMO, centre(cell(PALERMO).unwrap())) < 1.0);
        // GEODIST of the same.
        assert!((distance(PALERMO, CATANIA) - 166_274.151_6).abs() < 1.0);
    }

    #[test]
    fn a_cover_has_everything_in_reach() {
        let mut state = 1_u64;
        let mut draw = |max: f64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0) * max
        };
        for round in 0..3000 {
            let centre = Place { longitude: draw(180.0), latitude: draw(90.0) };
            let metres = 10_f64.powf(draw(3.7) + 3.7);
            let near = metres / EARTH.to_radians() / 40_000.0 * f64::from(round % 40);
            let place = Place {
                longitude: (centre.longitude + draw(near * 400.0) + 540.0).rem_euclid(360.0)
                    - 180.0,
                latitude: (centre.latitude + draw(near * 400.0)).clamp(-85.0, 85.0),
            };
            let runs = cover(centre, metres);
            assert!(runs.len() <= 64 && runs.is_sorted());
            let cell = cell(place).unwrap();
            let found = runs.iter().any(|(from, to)| (*from..=*to).contains(&cell));
            let inside = distance(centre, super::centre(cell)) <= metres;
            assert!(found || !inside, "{centre:?} {metres} {place:?}");
        }
    }
}
