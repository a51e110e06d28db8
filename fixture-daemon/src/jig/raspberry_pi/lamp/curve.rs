//! How much light a lamp gives for a duty, as commissioning measured it.

use blinkup::Level;

/// A lamp's light over its duty: points of (duty, light), both as shares of full, rising.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve(Vec<(f32, f32)>);

impl Default for Curve {
    /// Light that follows the duty.
    fn default() -> Self {
        Self(vec![(0.0, 0.0), (1.0, 1.0)])
    }
}

/// Points that are no curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected points of duty and light, both rising from above 0 to 1")]
pub struct NoCurve;

impl Curve {
    /// A curve through measured points between dark and full light, which it adds where they are missing.
    ///
    /// # Errors
    /// The points do not rise.
    pub fn new(points: &[(f32, f32)]) -> Result<Self, NoCurve> {
        let mut whole = vec![(0.0, 0.0)];
        for point in points {
            let (duty, light) = *point;
            let (last_duty, last_light) = whole.last().copied().unwrap_or_default();
            if !(duty > last_duty && light > last_light && duty <= 1.0 && light <= 1.0) {
                return Err(NoCurve);
            }
            whole.push(*point);
        }
        match whole.last() {
            Some((duty, light)) if *duty < 1.0 && *light < 1.0 => whole.push((1.0, 1.0)),
            Some((duty, light)) if *duty >= 1.0 && *light >= 1.0 => {}
            Some(_) | None => return Err(NoCurve),
        }
        Ok(Self(whole))
    }

    /// The points between dark and full light.
    pub fn points(&self) -> &[(f32, f32)] {
        let inner = self.0.len().saturating_sub(1);
        self.0.get(1..inner).unwrap_or_default()
    }

    /// The duty that gives a level of light, 0 to 1.
    pub fn duty(&self, level: Level) -> f32 {
        let light = level.fraction();
        for pair in self.0.windows(2) {
            let [(from_duty, from_light), (to_duty, to_light)] = *pair else {
                continue;
            };
            if light <= to_light {
                return from_duty + (to_duty - from_duty) * (light - from_light) / (to_light - from_light);
            }
        }
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f32, other: f32) -> bool {
        (one - other).abs() < 1.0e-5
    }

    #[test]
    fn light_that_follows_the_duty_needs_no_points() {
        let curve = Curve::default();
        assert!(near(curve.duty(Level::new(0.3)), 0.3));
        assert!(near(curve.duty(Level::DARK), 0.0));
        assert!(near(curve.duty(Level::FULL), 1.0));
        assert_eq!(curve.points(), []);
    }

    #[test]
    fn a_lamp_that_is_brighter_than_its_duty_gets_less_duty() {
        let curve = Curve::new(&[(0.25, 0.4), (0.5, 0.7)]).unwrap();
        assert!(near(curve.duty(Level::new(0.4)), 0.25));
        assert!(near(curve.duty(Level::new(0.55)), 0.375));
        assert!(near(curve.duty(Level::new(0.85)), 0.75));
        assert!(near(curve.duty(Level::FULL), 1.0));
        assert_eq!(curve.points(), [(0.25, 0.4), (0.5, 0.7)]);
    }

    #[test]
    fn points_that_do_not_rise_are_no_curve() {
        for points in [
            &[(0.5, 0.5), (0.6, 0.5)][..],
            &[(0.0, 0.1)],
            &[(0.5, 1.1)],
            &[(1.0, 0.9)],
            &[(0.9, 1.0)],
        ] {
            assert_eq!(Curve::new(points), Err(NoCurve), "{points:?}");
        }
    }
}
