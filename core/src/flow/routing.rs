//! 派遣: from category and place to the lead and the assisting units, with the reasons in words.

use std::cmp::Reverse;

use super::refusal::Said;
use crate::model::{CategoryPattern, DutyMode, Level, UnitId, UnitTree};

/// A duty with its units resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DutyRule {
    /// Which categories.
    pub categories: CategoryPattern,
    /// Within which unit's territory.
    pub territory: UnitId,
    /// Who does the work.
    pub mode: DutyMode,
    /// 主办; set exactly when `mode` is [`DutyMode::Unit`].
    pub lead: Option<UnitId>,
    /// 协办
    pub assist: Vec<UnitId>,
}

/// The duty list of the installation.
#[derive(Clone, Debug, Default)]
pub struct DutyList {
    rules: Vec<DutyRule>,
}

/// What the duty list decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// 主办 (the grid itself where `grid_first`).
    pub lead: UnitId,
    /// 协办
    pub assist: Vec<UnitId>,
    /// 网格自办
    pub grid_first: bool,
    /// Why, for the people who read the ticket.
    pub reasons: Vec<Said>,
}

impl DutyList {
    /// The list of these rules.
    pub fn new(rules: Vec<DutyRule>) -> Self {
        Self { rules }
    }

    /// Decides who handles a category in a grid.
    ///
    /// Of the rules that cover both, the one with the narrowest territory wins, then the one with the narrowest
    /// category; so a street's own arrangement overrides the district's. Of rules that repeat each other, one with
    /// a named lead wins over 网格自办, then the smaller keys. Without a rule the street of the grid
    /// takes it (属地兜底), and the district where the tree has no street. `None` only for a grid that is not
    /// in the tree.
    pub fn route(&self, category: &str, grid: UnitId, tree: &UnitTree) -> Option<Routing> {
        let depth = |unit: UnitId| tree.lineage(unit).count();
        let best = self
            .rules
            .iter()
            .filter(|rule| rule.categories.covers(category) && tree.is_within(grid, rule.territory))
            .filter(|rule| {
                rule.mode == DutyMode::GridFirst || rule.lead.is_some_and(|lead| tree.get(lead).is_some())
            })
            .min_by_key(|rule| {
                let narrowest = (Reverse(depth(rule.territory)), Reverse(rule.categories.narrowness()));
                // Rules that are equally narrow say the same place and category twice. What decides between
                // them must not be their order, which is that of a file or of a query.
                (narrowest, rule.mode == DutyMode::GridFirst, rule.lead, &rule.assist)
            });
        match best {
            Some(rule) => Some(by_rule(rule, grid, tree)),
            None => fallback(category, grid, tree),
        }
    }
}

fn name(tree: &UnitTree, unit: UnitId) -> String {
    tree.get(unit).map_or_else(|| unit.to_string(), |unit| unit.name.to_string())
}

fn by_rule(rule: &DutyRule, grid: UnitId, tree: &UnitTree) -> Routing {
    let territory = name(tree, rule.territory);
    let pattern = &rule.categories;
    let lead = rule.lead.unwrap_or(grid);
    let lead_name = name(tree, lead);
    let grid_first = rule.mode == DutyMode::GridFirst;
    let mut reasons = vec![if grid_first {
        Said::new(
            format!("权责清单 {pattern}（{territory}）：网格自办，由{lead_name}处置。"),
            format!("Duty list {pattern} ({territory}): grid first, handled by {lead_name}."),
        )
    } else {
        Said::new(
            format!("权责清单 {pattern}（{territory}）：{lead_name}主办。"),
            format!("Duty list {pattern} ({territory}): {lead_name} leads."),
        )
    }];
    let assist: Vec<UnitId> =
        rule.assist.iter().copied().filter(|unit| *unit != lead && tree.get(*unit).is_some()).collect();
    if !assist.is_empty() {
        let names: Vec<_> = assist.iter().map(|unit| name(tree, *unit)).collect();
        reasons.push(Said::new(
            format!("协办：{}。", names.join("、")),
            format!("Assisting: {}.", names.join(", ")),
        ));
    }
    Routing { lead, assist, grid_first, reasons }
}

fn fallback(category: &str, grid: UnitId, tree: &UnitTree) -> Option<Routing> {
    let keeper = tree.at_level(grid, Level::Street).or_else(|| tree.at_level(grid, Level::District))?;
    Some(Routing {
        lead: keeper.id,
        assist: Vec::new(),
        grid_first: false,
        reasons: vec![Said::new(
            format!("权责清单没有覆盖 {category} 的条目，按属地兜底由{}处置。", keeper.name),
            format!("No duty covers {category}; the territory, {}, takes it.", keeper.name),
        )],
    })
}
