//! Who works in the demonstration. Every name is made up.

use suishoupai_core::flow::Role;

/// One official of the demonstration.
pub(super) struct Person {
    pub(super) login: &'static str,
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) seat: Seat,
    pub(super) description: &'static str,
}

/// Where somebody has a post.
pub(super) enum Seat {
    /// In the unit with this code.
    Unit(&'static str),
    /// In the grid of the demonstration's point.
    Home,
    /// In every grid of the community with this code.
    GridsOf(&'static str),
}

const DISTRICT: Seat = Seat::Unit("350203000000");

const fn person(
    login: &'static str,
    name: &'static str,
    role: Role,
    seat: Seat,
    description: &'static str,
) -> Person {
    Person { login, name, role, seat, description }
}

/// All of them, in the order in which they are shown: from the street up to the district.
pub(super) const PEOPLE: &[Person] = &[
    person("grid1", "林网格", Role::GridWorker, Seat::Home, "grid worker 网格员"),
    person("grid2", "陈网格", Role::GridWorker, Seat::Home, "a colleague in the same grid 同网格"),
    person(
        "grid3",
        "黄网格",
        Role::GridWorker,
        Seat::GridsOf("350203001004"),
        "all grids of a community 专职网格员",
    ),
    person(
        "community",
        "吴社区",
        Role::CommunityOfficer,
        Seat::Unit("350203001001"),
        "community officer 社区",
    ),
    person("street", "郑街道", Role::StreetOfficer, Seat::Unit("350203001000"), "street officer 街道"),
    person("chengguan", "许城管", Role::DepartmentOfficer, Seat::Unit("D01"), "urban management 城管"),
    person("squad", "蔡中队", Role::DepartmentOfficer, Seat::Unit("D0101"), "its squad 执法中队"),
    person("huanwei", "杨环卫", Role::DepartmentOfficer, Seat::Unit("D02"), "street cleaning 环卫"),
    person("shizheng", "洪市政", Role::DepartmentOfficer, Seat::Unit("D03"), "roads and lamps 市政"),
    person("yuanlin", "曾园林", Role::DepartmentOfficer, Seat::Unit("D04"), "parks and trees 园林"),
    person("jiaojing", "苏交警", Role::DepartmentOfficer, Seat::Unit("D05"), "traffic police 交警"),
    person("zhujian", "叶住建", Role::DepartmentOfficer, Seat::Unit("D07"), "building sites 住建"),
    person("shuiwu", "王水务", Role::DepartmentOfficer, Seat::Unit("D09"), "water and sewers 水务"),
    person("dispatcher", "周派遣", Role::Dispatcher, DISTRICT, "district centre 区指挥中心"),
    person("chief", "吴值班", Role::DutyChief, DISTRICT, "decides disputes and requests 值班长"),
    person("head", "郭主任", Role::CentreHead, DISTRICT, "head of the centre 中心主任"),
    person("inspector", "李督查", Role::Inspector, DISTRICT, "checks results 核查督办"),
    person("observer", "张观察", Role::Observer, DISTRICT, "reads everything 只读"),
    person("admin", "刘管理", Role::Administrator, DISTRICT, "imports and settings 管理员"),
    person("auditor", "方审计", Role::Auditor, DISTRICT, "searches the audit trail 审计员"),
];
