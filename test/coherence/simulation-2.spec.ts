import { describeSchedules } from './simulation/schedules';

describeSchedules(1);
