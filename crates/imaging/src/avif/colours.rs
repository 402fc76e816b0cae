//! What the code points of a picture mean, as a profile (ITU-T H.273).

use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, ToneReprCurve,
    TransferCharacteristics,
};

use super::properties::Coding;

/// What white paper in the light of a film has, in candelas for each square metre: BT.2408, 2.2.
const WHITE: f64 = 203.0;
/// The brightest that PQ can say, and that HLG is made for: BT.2100, tables 4 and 5.
const PQ_PEAK: f64 = 10_000.0;
const HLG_PEAK: f64 = 1000.0;
/// Up to which share of white light is left as it is; what is brighter shares the rest.
const KNEE: f64 = 0.6;

/// Returns the profile of colours that are not those of sRGB.
///
/// The curves of video cameras (BT.601, BT.709, BT.2020) are taken for that of sRGB, as browsers do: pictures with these numbers were
/// made on screens that show sRGB.
pub(super) fn profile(coding: Coding) -> Option<ColorProfile> {
    let primaries = CicpColorPrimaries::try_from(coding.primaries).ok();
    let primaries = primaries.filter(|primaries| {
        use CicpColorPrimaries as P;
        !matches!(primaries, P::Reserved | P::Unspecified | P::Bt709)
    });
    let curve = curve(coding.transfer);
    if primaries.is_none() && curve.is_none() {
        return None;
    }
    let mut profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: primaries.unwrap_or(CicpColorPrimaries::Bt709),
        transfer_characteristics: TransferCharacteristics::Srgb,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    if let Some(curve) = curve {
        profile.cicp = None;
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
    }
    Some(profile)
}

/// Whether there is more light than sRGB can say.
pub(super) const fn is_bright(coding: Coding) -> bool {
    matches!(coding.transfer, PQ | HLG)
}

const PQ: u8 = 16;
const HLG: u8 = 18;

/// Returns how numbers become light, if not as those of sRGB.
fn curve(transfer: u8) -> Option<ToneReprCurve> {
    match transfer {
        PQ => Some(compressed(|number| pq(number) * PQ_PEAK / WHITE)),
        HLG => Some(compressed(|number| hlg(number) * HLG_PEAK / WHITE)),
        4 | 5 | 7 | 8 | 17 => {
            let transfer = TransferCharacteristics::try_from(transfer).ok()?;
            ToneReprCurve::try_from(transfer).ok()
        }
        _ => None,
    }
}

/// Makes a curve of light as a share of white, of which there may be more than one.
fn compressed(light: impl Fn(f64) -> f64) -> ToneReprCurve {
    const STEPS: u16 = 1023;
    let step = |step| {
        let light = compress(light(f64::from(step) / f64::from(STEPS)));
        (light * f64::from(u16::MAX)).round() as u16
    };
    ToneReprCurve::Lut((0..=STEPS).map(step).collect())
}

/// Brings any light below 1: as it is up to the knee, then ever flatter, without a corner.
fn compress(light: f64) -> f64 {
    let rest = 1.0 - KNEE;
    match light - KNEE {
        excess if excess > 0.0 => KNEE + rest * excess / (excess + rest),
        _ => light,
    }
}

/// The light of a number of PQ as a share of its peak: BT.2100, table 4.
fn pq(number: f64) -> f64 {
    let root = number.powf(1.0 / 78.843_75);
    let light = (root - 0.835_937_5).max(0.0) / (18.851_562_5 - 18.6875 * root);
    light.powf(1.0 / 0.159_301_757_812_5)
}

/// The light of a number of HLG as a share of its peak: BT.2100, table 5, with the gamma of a screen of that peak.
fn hlg(number: f64) -> f64 {
    let scene = match number {
        number if number <= 0.5 => number * number / 3.0,
        number => (((number - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0,
    };
    scene.powf(1.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_is_where_the_standards_have_it() {
        // BT.2408, table 1: 203 candelas are 58 % of PQ and 75 % of HLG.
        for light in [pq(0.5807) * PQ_PEAK, hlg(0.7500) * HLG_PEAK] {
            assert!((light - WHITE).abs() < 1.0, "{light}");
        }
        assert!((pq(1.0) - 1.0).abs() < 1e-9 && (hlg(1.0) - 1.0).abs() < 1e-6);
        assert_eq!((pq(0.0), hlg(0.0)), (0.0, 0.0));
    }

    #[test]
    fn more_light_never_becomes_less_and_never_too_much() {
        let lights: Vec<_> = (0..5000)
            .map(|light| compress(f64::from(light) / 100.0))
            .collect();
        assert!(lights.is_sorted() && lights.iter().all(|light| *light < 1.0));
        assert_eq!(compress(0.5), 0.5);
    }

    #[test]
    fn what_is_as_good_as_srgb_has_no_profile() {
        let coding = |primaries, transfer| Coding {
            primaries,
            transfer,
            matrix: 6,
            is_full: true,
        };
        for (primaries, transfer) in [(1, 13), (2, 2), (1, 1), (2, 14), (3, 255)] {
            assert!(
                profile(coding(primaries, transfer)).is_none(),
                "{primaries}, {transfer}"
            );
        }
        for (primaries, transfer) in [(12, 13), (9, 1), (1, 4), (1, 8), (9, 16), (9, 18)] {
            assert!(
                profile(coding(primaries, transfer)).is_some(),
                "{primaries}, {transfer}"
            );
        }
    }
}
